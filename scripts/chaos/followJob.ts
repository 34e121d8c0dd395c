import { setTimeout as pause } from "node:timers/promises"
import type { Attempt, Status } from "../../src/domain/Status.ts"
import { logLines } from "./modelDriver.ts"
import type { ModelNomad } from "./ModelNomad.ts"
import type { ModelRegistry } from "./ModelRegistry.ts"
import type { Plan } from "./plans.ts"
import { isAtRest, type Store } from "./Store.ts"

export interface Scene {
  readonly store: Store
  readonly nomad: ModelNomad
  readonly registry: ModelRegistry
}

/** How one job went. */
export interface Report {
  readonly plan: Plan
  readonly milliseconds: number
  readonly faults: ReadonlyArray<string>
  readonly attempts: number
  /** Attempts that the infrastructure cost: they were tried again. */
  readonly lost: number
}

const lookEvery = 300

/** Writes a record, does with it what is planned, and judges how it ended. */
export const followJob = async (scene: Scene, plan: Plan, patience: number): Promise<Report> => {
  const begun = Date.now()
  const status = await play(scene, plan, begun + patience)
  const attempts = status?.attempts ?? []
  return {
    plan,
    milliseconds: Date.now() - begun,
    faults: status === undefined ? ["has no status"] : await faultsOf(scene, plan, status),
    attempts: attempts.length,
    lost: attempts.filter(({ outcome }) => outcome?.result === "failed" && outcome.infrastructure).length
  }
}

/** The status once it has ended as planned; the last one when it doesn't in time. */
const play = async ({ nomad, store }: Scene, plan: Plan, until: number): Promise<Status | undefined> => {
  await store.put(plan.name, plan.record)
  let { next } = plan
  let progress = ""
  let status: Status | undefined
  while (Date.now() < until) {
    await pause(lookEvery)
    status = await store.status(plan.name)
    if (status === undefined) continue
    const seen = progressOf(status)
    // A phase is over: what it has left in Nomad is now forgotten.
    if (seen !== progress) await nomad.collectGarbage()
    progress = seen
    if (next !== undefined && status.status === "BUILDING") {
      await (next === "delete" ? store.delete(plan.name) : store.put(plan.name, next.put))
      next = undefined
    }
    if (next === undefined && isAtRest(status) && plan.fault(status) === undefined) break
  }
  return status
}

const progressOf = ({ generation, attempts }: Status): string =>
  [generation, ...attempts.map(({ outcome }) => outcome?.result)].join()

const faultsOf = async ({ store, registry }: Scene, plan: Plan, status: Status): Promise<ReadonlyArray<string>> => {
  const ending = plan.fault(status)
  const faults = [
    ...(ending === undefined ? [] : [ending]),
    ...(isAtRest(status) ? [] : ["never came to rest"]),
    ...publicationFaults(registry, plan, status)
  ]
  for (const attempt of status.attempts) {
    const fault = await logFault(store, plan.name, attempt)
    if (fault !== undefined) faults.push(fault)
  }
  return faults
}

const publicationFaults = (registry: ModelRegistry, plan: Plan, status: Status): ReadonlyArray<string> => {
  const made = registry.publications.filter(({ record }) => record === plan.name)
  const wanted = status.status === "SUCCEEDED" ? 1 : 0
  if (made.length !== wanted) return [`was published ${made.length} times instead of ${wanted}`]
  const [publication] = made
  if (publication === undefined) return []
  const faults: Array<string> = []
  if (publication.generation !== String(status.generation))
    faults.push(`published generation ${publication.generation}`)
  if (publication.digest !== status.digest) faults.push(`published ${publication.digest}, not ${status.digest}`)
  if (registry.testsPassed(publication.digest) < plan.tests) faults.push("was published before its tests passed")
  return faults
}

/** What ran to its end, well or badly, has a log of both its first and its last line. */
const logFault = async (store: Store, name: string, attempt: Attempt): Promise<string | undefined> => {
  const { outcome, nomad_job_id: id } = attempt
  if (outcome === undefined || outcome.exit_code === undefined) return undefined
  const lines = logLines(id)
  const text = await store.log(name, id)
  return text.includes(lines.first) && text.includes(lines.last)
    ? undefined
    : `has no whole log of ${id}, which ${outcome.result} (${outcome.logs}): ${JSON.stringify(text)}`
}
