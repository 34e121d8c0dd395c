import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import { Consul } from "../../src/consul/Consul.ts"
import { archiveFinished } from "../../src/controller/archiveFinished.ts"
import type { Status } from "../../src/domain/Status.ts"
import { JobArchive } from "../../src/store/JobArchive.ts"
import { keysBelow } from "../../src/store/keys.ts"
import { Statuses } from "../../src/store/Statuses.ts"
import { embeddedConsul } from "../support/embeddedConsul.ts"
import { minimal, policy, valid, World } from "../support/world.ts"

const keys = keysBelow("jobforge-service")
const tester = Layer.provideMerge(Layer.merge(JobArchive.layer(keys), Statuses.layer(keys)), embeddedConsul)
const lease = { fence: Option.none(), lost: Effect.never }
const id = "00000000-0000-4000-8000-000000000001"

const begun = (): World => {
  const world = new World()
  world.settle()
  return world
}

const finished = (): World => {
  const world = begun()
  world.succeedAll()
  return world
}

/** Stores record and status as a pass leaves them, and offers them to the archive. */
const offer = Effect.fnUntraced(function* (name: string, { status }: World, ending = "") {
  if (status === undefined) return yield* Effect.dieMessage("no run began")
  const consul = yield* Consul
  const statuses = yield* Statuses
  const key = `${keys.jobs}${name}${ending}`
  yield* consul.put(key, JSON.stringify(minimal))
  const { modifyIndex } = Option.getOrThrow(yield* consul.get(key))
  const named: Status = { ...status, name }
  const index = yield* statuses.write(named, {
    record: { key, modifyIndex: Option.some(modifyIndex) },
    modifyIndex: 0,
    fence: Option.none(),
    taken: [],
    released: [],
    handled: []
  })
  const end = {
    name,
    record: Option.some({ key, modifyIndex, view: valid() }),
    read: { status: Option.some(named), modifyIndex: index },
    policy
  }
  return { end, moved: yield* archiveFinished({ keys, lease }, end) }
})

describe("archiveFinished", () => {
  it.live("moves a job that came over HTTP and is at rest", () =>
    Effect.gen(function* () {
      const archive = yield* JobArchive
      assert.isTrue((yield* offer(id, finished())).moved)
      assert.strictEqual(Option.getOrThrow(yield* archive.get(id)).status.status, "SUCCEEDED")
    }).pipe(Effect.provide(tester), Effect.scoped)
  )

  it.live("leaves what is under way, and what an operator or a Git repository keeps", () =>
    Effect.gen(function* () {
      const archive = yield* JobArchive
      assert.isFalse((yield* offer(id, begun())).moved)
      assert.isFalse((yield* offer("team/web", finished())).moved)
      assert.isFalse((yield* offer(`${id.slice(0, -1)}2`, finished(), ".yaml")).moved)
      assert.strictEqual((yield* archive.list({ offset: 0, limit: 9 })).total, 0)
    }).pipe(Effect.provide(tester), Effect.scoped)
  )

  it.live("moves nothing that changed since the pass", () =>
    Effect.gen(function* () {
      const consul = yield* Consul
      const archive = yield* JobArchive
      const { end } = yield* offer(id, begun())
      const over = Option.map(end.read.status, (status) => ({ ...status, status: "FAILED" as const, attempts: [] }))
      yield* consul.put(`${keys.jobs}${id}`, JSON.stringify({ ...minimal, git_ref: "newer" }))
      const error = yield* Effect.flip(
        archiveFinished({ keys, lease }, { ...end, read: { ...end.read, status: over } })
      )
      assert.strictEqual(error._tag, "WriteConflict")
      assert.isTrue(Option.isNone(yield* archive.get(id)))
    }).pipe(Effect.provide(tester), Effect.scoped)
  )
})
