import type { Copy } from "./Copy.ts"

/** One known bug, as a patch that brings it back. */
export interface Mutant {
  readonly name: string
  /** Its number, which the tests that must notice it have in their titles. */
  readonly bug: string
  readonly patch: string
}

export interface Verdict {
  /** `invalid`: the patch doesn't apply, or what it makes can't even be loaded. */
  readonly kind: "killed" | "survived" | "invalid"
  /** What noticed it, or why nothing could. */
  readonly by: string
  readonly seconds: number
}

export const tryMutant = async (copy: Copy, { bug, patch }: Mutant): Promise<Verdict> => {
  const begun = Date.now()
  const verdict = (kind: Verdict["kind"], by: string): Verdict => ({ kind, by, seconds: (Date.now() - begun) / 1000 })
  const misfit = await copy.apply(patch)
  if (misfit !== undefined) return verdict("invalid", `the patch no longer applies: ${misfit}`)
  const { failed, broken, timedOut } = await copy.runTests([bug])
  const back = await copy.apply(patch, { reverse: true })
  if (back !== undefined) throw new Error(`the patch can't be taken back: ${back}`)
  if (timedOut) return verdict("killed", "its tests never end")
  const [first] = failed
  if (first !== undefined) return verdict("killed", first)
  return broken === undefined ? verdict("survived", `every test of ${bug} passes`) : verdict("invalid", broken)
}
