import { assert, describe, it } from "@effect/vitest"
import { bytesOf } from "../../src/diagnosis/fitted.ts"
import { maximumDiagnosisBytes, type Diagnosis } from "../../src/diagnosis/Diagnosis.ts"
import { diagnosisOf, type Labelled, readCorpus } from "./CorpusCase.ts"

interface Judged {
  readonly labelled: Labelled
  readonly diagnosis: Diagnosis
}

const judge = (half: "own" | "blind"): ReadonlyArray<Judged> =>
  readCorpus(half).map((labelled) => ({ labelled, diagnosis: diagnosisOf(labelled) }))

const halves = { own: judge("own"), blind: judge("blind") }

const isRight = ({ diagnosis, labelled }: Judged): boolean => diagnosis.cause === labelled.expected.label

const shareOf = (judged: ReadonlyArray<Judged>): number => judged.filter(isRight).length / Math.max(judged.length, 1)

const figure = (half: string, judged: ReadonlyArray<Judged>): string =>
  `${half}: ${judged.filter(isRight).length} of ${judged.length} causes right (${(100 * shareOf(judged)).toFixed(1)} %)`

/** A row for each label, and in it what was said instead how often. */
const confusion = (judged: ReadonlyArray<Judged>): string => {
  const labels = [...new Set(judged.map(({ labelled }) => labelled.expected.label))].toSorted()
  return labels
    .map((label) => {
      const row = judged.filter(({ labelled }) => labelled.expected.label === label)
      const said = new Map<string, number>()
      for (const { diagnosis } of row) {
        const cause = diagnosis.cause ?? "none"
        said.set(cause, (said.get(cause) ?? 0) + 1)
      }
      const cells = [...said].map(([cause, times]) => `${cause === label ? "=" : cause} ${times}`)
      return `  ${label.padEnd(24)} ${cells.join(", ")}`
    })
    .join("\n")
}

const stepText = ({ step }: Diagnosis): string => {
  if (step === undefined) return ""
  switch (step.kind) {
    case "instruction":
      return `${step.kind} ${step.number ?? ""} ${step.text}`
    case "command":
      return `${step.kind} ${step.index} ${step.text}`
    default:
      return step.kind
  }
}

/** An expected step is a part of its text, or an object whose fields must be those of the diagnosis. */
const agrees = (expected: unknown, diagnosis: Diagnosis): boolean => {
  if (typeof expected === "string") return stepText(diagnosis).includes(expected)
  if (typeof expected !== "object" || expected === null) return true
  const step: Readonly<Record<string, unknown>> = { ...diagnosis.step }
  return Object.entries(expected).every(([key, value]) =>
    typeof value === "string" ? String(step[key]).includes(value) : step[key] === value
  )
}

describe("the corpus of failures", () => {
  it("is diagnosed as often as promised", ({ annotate }) => {
    const judged = [...halves.own, ...halves.blind]
    const figures = [figure("own", halves.own), figure("blind", halves.blind), figure("all", judged)]
    const report = `${figures.join("\n")}\n${confusion(judged)}\n`
    process.stdout.write(`\n${report}`)
    void annotate(report)
    assert.isAtLeast(halves.own.length, 34)
    assert.isAtLeast(halves.blind.length, 30)
    assert.isAtLeast(shareOf(halves.own), 0.95, "own half")
    assert.isAtLeast(shareOf(halves.blind), 0.9, "blind half")
  })

  describe.each(["own", "blind"] as const)("%s", (half) => {
    it.each(halves[half].map((judged) => [judged.labelled.name, judged] as const))(
      "%s is told in few words, with the step and the line",
      (_, { diagnosis, labelled }) => {
        assert.isAtMost(bytesOf(diagnosis), maximumDiagnosisBytes)
        assert.isNotEmpty(diagnosis.next_action)
        assert.isNotEmpty(diagnosis.summary)
        assert.strictEqual(diagnosis.phase, labelled.expected.phase)
        const { error_contains, step } = labelled.expected
        assert.isTrue(agrees(step, diagnosis), `step is ${JSON.stringify(diagnosis.step)}, not ${JSON.stringify(step)}`)
        if (typeof error_contains === "string") assert.include(diagnosis.error?.line ?? "", error_contains)
      }
    )
  })
})
