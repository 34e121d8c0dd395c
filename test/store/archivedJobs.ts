import { Effect, Layer, Option } from "effect"
import { Consul } from "../../src/consul/Consul.ts"
import type { TxnOp } from "../../src/consul/Transaction.ts"
import type { Status } from "../../src/domain/Status.ts"
import { JobArchive } from "../../src/store/JobArchive.ts"
import { keysBelow } from "../../src/store/keys.ts"
import { Statuses } from "../../src/store/Statuses.ts"
import { embeddedConsul } from "../support/embeddedConsul.ts"
import { minimal, World } from "../support/world.ts"

export const keys = keysBelow("jobforge-service")

export const tester = Layer.provideMerge(Layer.merge(JobArchive.layer(keys), Statuses.layer(keys)), embeddedConsul)

export const uuid = (number: number) => `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`

/** How a run ended that began at this instant. */
export const ended = (name: string, at: number, changes: Partial<Status> = {}): Status => {
  const world = new World()
  world.settle()
  world.succeedAll()
  const { status } = world
  if (status?.status !== "SUCCEEDED") throw new Error("the run did not succeed")
  const times = { job_start: at, job_end: at + 60_000 }
  return { ...status, name, job_id: name, times, ...changes }
}

export const none = Option.none<TxnOp>()

/** The record and the status of a finished job, as they lie in the store before it is archived. */
export const stored = Effect.fnUntraced(function* (status: Status, text = JSON.stringify(minimal)) {
  const consul = yield* Consul
  const statuses = yield* Statuses
  const key = `${keys.jobs}${status.name}`
  yield* consul.put(key, text)
  const record = { key, modifyIndex: Option.map(yield* consul.get(key), ({ modifyIndex }) => modifyIndex) }
  const guard = { record, modifyIndex: 0, fence: none, taken: [], released: [], handled: [] }
  return { status, statusIndex: yield* statuses.write(status, guard), record, fence: none }
})

export const archived = (status: Status, text?: string) =>
  Effect.gen(function* () {
    const archive = yield* JobArchive
    yield* archive.put(yield* stored(status, text))
  })
