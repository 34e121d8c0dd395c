import { assert, describe, it } from "@effect/vitest"
import { Chunk, Duration, Effect, Exit, Fiber, Layer, Option, Stream } from "effect"
import { Consul, type KvEntry } from "../../src/consul/Consul.ts"
import { TxnOp } from "../../src/consul/Transaction.ts"
import { refuseRun } from "../../src/domain/run.ts"
import { Denied } from "../../src/http/ApiError.ts"
import { installationId } from "../../src/store/Installation.ts"
import { keysBelow } from "../../src/store/keys.ts"
import { LiveSettings } from "../../src/store/LiveSettings.ts"
import { Records } from "../../src/store/Records.ts"
import { Requests } from "../../src/store/Requests.ts"
import { Statuses } from "../../src/store/Statuses.ts"
import { embeddedConsul } from "../support/embeddedConsul.ts"
import { eventually } from "../support/eventually.ts"
import { minimal } from "../support/world.ts"

const keys = keysBelow("jobforge-service")

const record = (fields: object = {}) => JSON.stringify({ ...minimal, ...fields })

describe("Records", () => {
  const tester = Layer.provideMerge(Records.layer(keys), embeddedConsul)

  it.live("sees what is there, what comes, what changes and what goes", () =>
    Effect.gen(function* () {
      const consul = yield* Consul
      yield* consul.put(`${keys.jobs}a`, record())
      const records = yield* Records
      yield* records.ready
      const changes = yield* Effect.fork(
        Effect.scoped(Effect.flatMap(records.changes, (stream) => Stream.runCollect(Stream.take(stream, 4))))
      )
      assert.isTrue(Option.isSome(records.get("a")))
      yield* Effect.sleep("20 millis")
      yield* consul.put(`${keys.jobs}team/b.yaml`, "owner: me\n")
      yield* eventually(
        "b is seen",
        Effect.sync(() => Option.isSome(records.get("team/b")))
      )
      const before = Option.getOrThrow(records.get("a")).modifyIndex
      yield* consul.put(`${keys.jobs}a`, record({ git_ref: "other" }))
      yield* eventually(
        "a is seen changed",
        Effect.sync(() => Option.getOrThrow(records.get("a")).modifyIndex > before)
      )
      yield* consul.delete(`${keys.jobs}a`)
      yield* eventually(
        "a is gone",
        Effect.sync(() => Option.isNone(records.get("a")))
      )
      yield* consul.put(`${keys.jobs}c`, record())
      const names = Chunk.toReadonlyArray(yield* Fiber.join(changes))
      assert.deepStrictEqual([...names], ["team/b", "a", "a", "c"])
    }).pipe(Effect.provide(tester), Effect.scoped)
  )

  it.live("believes no deletion from a list that a denied token sees empty", () => {
    // A real ACL system filters lists to nothing and refuses single keys: the same here, once it is told to.
    let denied = false
    const blinded = Layer.effect(
      Consul,
      Effect.map(Consul, (consul) => ({
        ...consul,
        get: (key: string, options?: { readonly consistent?: boolean }) =>
          denied
            ? Effect.fail(new Denied({ system: "consul", operation: `kv.get ${key}`, detail: "Permission denied" }))
            : consul.get(key, options),
        list: (prefix: string) =>
          denied ? Effect.succeed({ index: 1, value: Array.of<KvEntry>() }) : consul.list(prefix),
        watchKeys: (prefix: string) =>
          Stream.map(consul.watchKeys(prefix), (seen) => (denied ? { ...seen, value: [] } : seen))
      }))
    )
    return Effect.gen(function* () {
      const consul = yield* Consul
      yield* consul.put(`${keys.jobs}a`, record())
      yield* consul.put(`${keys.jobs}a2`, record())
      const records = yield* Records
      yield* eventually(
        "both are seen",
        Effect.sync(() => records.names().length === 2)
      )
      denied = true
      yield* consul.put(`${keys.jobs}b`, record())
      yield* Effect.sleep(Duration.millis(600))
      assert.isTrue(Option.isSome(records.get("a")))
      assert.isTrue(Option.isSome(records.get("a2")))
      denied = false
      yield* consul.put(`${keys.jobs}c`, record())
      yield* eventually(
        "b and c are seen",
        Effect.sync(() => Option.isSome(records.get("b")) && Option.isSome(records.get("c")))
      )
    }).pipe(
      Effect.provide(Layer.provideMerge(Records.layer(keys), Layer.provide(blinded, embeddedConsul))),
      Effect.scoped
    )
  })
})

describe("Statuses", () => {
  const status = refuseRun("a", 1, "", "InvalidSpec", "owner is required", [], 1000)
  const free = { key: `${keys.jobs}a`, modifyIndex: Option.none<number>() }
  const tester = Layer.provideMerge(Statuses.layer(keys), embeddedConsul)

  it.live("writes a status once, and refuses it when record, status or office have changed", () =>
    Effect.gen(function* () {
      const consul = yield* Consul
      const statuses = yield* Statuses
      const guard = { record: free, modifyIndex: 0, fence: Option.none<TxnOp>(), taken: [], released: [], handled: [] }
      const index = yield* statuses.write(status, guard)
      const read = yield* statuses.get("a")
      assert.deepStrictEqual(read, { status: Option.some(status), modifyIndex: index })
      assert.lengthOf(yield* statuses.list, 1)

      const stale = yield* Effect.exit(statuses.write(status, guard))
      assert.isTrue(Exit.isFailure(stale))

      yield* consul.put(`${keys.jobs}a`, record())
      const changed = yield* Effect.flip(statuses.write({ ...status, generation: 2 }, { ...guard, modifyIndex: index }))
      assert.strictEqual(changed._tag, "WriteConflict")

      const session = yield* consul.createSession({
        name: "other",
        ttl: "10 seconds",
        lockDelay: "0 seconds",
        behavior: "release"
      })
      const fence = Option.some(TxnOp.CheckSession({ key: keys.leader, session }))
      const deposed = yield* Effect.flip(
        statuses.write(status, {
          record: {
            ...free,
            modifyIndex: Option.map(yield* consul.get(`${keys.jobs}a`), (entry) => entry.modifyIndex)
          },
          modifyIndex: index,
          fence,
          taken: [],
          released: [],
          handled: []
        })
      )
      assert.strictEqual(deposed._tag, "WriteConflict")
      assert.deepStrictEqual((yield* statuses.get("a")).status, Option.some(status))
    }).pipe(Effect.provide(tester), Effect.scoped)
  )

  it.live("takes slots and gives them back with the status, or not at all", () =>
    Effect.gen(function* () {
      const consul = yield* Consul
      const statuses = yield* Statuses
      const none = { record: free, modifyIndex: 0, fence: Option.none<TxnOp>(), taken: [], released: [], handled: [] }
      yield* consul.put(keys.request("r1"), "{}")
      const index = yield* statuses.write(
        { ...status, job_id: "job-a", slots: ["s1"] },
        { ...none, taken: ["s1"], handled: ["r1"] }
      )
      const held = Option.getOrThrow(yield* consul.get(keys.slot("s1")))
      assert.strictEqual(new TextDecoder().decode(held.value), '{"name":"a","job_id":"job-a"}')
      assert.isTrue(Option.isNone(yield* consul.get(keys.request("r1"))))
      // A leader that hasn't heard yet that another one has answered it.
      const again = statuses.write({ ...status, job_id: "job-a" }, { ...none, modifyIndex: index, handled: ["r1"] })
      assert.strictEqual((yield* Effect.flip(again))._tag, "WriteConflict")

      const other = { ...status, name: "b" }
      const record = { key: `${keys.jobs}b`, modifyIndex: Option.none<number>() }
      const taken = yield* Effect.flip(statuses.write(other, { ...none, record, taken: ["s2", "s1"] }))
      assert.strictEqual(taken._tag, "WriteConflict")
      assert.isTrue(Option.isNone(yield* consul.get(keys.slot("s2"))))
      assert.strictEqual((yield* statuses.get("b")).modifyIndex, 0)

      yield* statuses.write(status, { ...none, modifyIndex: index, released: ["s1"] })
      assert.isTrue(Option.isNone(yield* consul.get(keys.slot("s1"))))
      yield* statuses.write({ ...other, slots: ["s2"] }, { ...none, record, taken: ["s2", "s1"] })
      yield* consul.put(keys.slot("s3"), '{"name":"nobody","job_id":"x"}')
      yield* consul.put(keys.slot("s4"), "garbage")
      yield* statuses.freeSlots(["s1", "s2", "s3", "s4", "nothing"], Option.none())
      const left = yield* consul.keys("jobforge-service/slots/")
      assert.deepStrictEqual(left.value, [keys.slot("s2")])
    }).pipe(Effect.provide(tester), Effect.scoped)
  )

  it.live("takes bytes that are no status for none, so that it is made anew", () =>
    Effect.gen(function* () {
      const consul = yield* Consul
      const statuses = yield* Statuses
      yield* consul.put(keys.status("a"), "not json")
      const read = yield* statuses.get("a")
      assert.isTrue(Option.isNone(read.status))
      assert.isAbove(read.modifyIndex, 0)
      assert.lengthOf(yield* statuses.list, 0)
    }).pipe(Effect.provide(tester), Effect.scoped)
  )
})

describe("Requests", () => {
  it.live("are seen once each, dropped when they are none, and gone when they were answered", () =>
    Effect.gen(function* () {
      const consul = yield* Consul
      const requests = yield* Requests
      const changes = yield* Effect.fork(
        Effect.scoped(Effect.flatMap(requests.changes, (stream) => Stream.runCollect(Stream.take(stream, 2))))
      )
      yield* Effect.sleep("50 millis")
      yield* consul.put(keys.request("r1"), '{"verb":"kill","job_id":"j"}')
      yield* consul.put(keys.request("r2"), '{"verb":"kill","job_id":""}')
      yield* consul.put(keys.request("r3"), '{"verb":"retry","job_id":"j"}')
      yield* consul.put(keys.request("r4"), '{"verb":"collect"}')
      const seen = Chunk.toReadonlyArray(yield* Fiber.join(changes))
      assert.deepStrictEqual(
        seen.map(({ id, verb }) => [id, verb]),
        [
          ["r1", "kill"],
          ["r3", "retry"]
        ]
      )
      yield* eventually("r2 is dropped", Effect.map(consul.get(keys.request("r2")), Option.isNone))
      assert.lengthOf(requests.about("j"), 2)
      yield* eventually(
        "r4 is seen, and is about no job",
        Effect.sync(() => requests.collections().join() === "r4" && requests.all().length === 2)
      )
      assert.lengthOf(requests.about("other"), 0)
      requests.settle(["r3", "r4"])
      assert.deepStrictEqual(
        requests.about("j").map(({ id }) => id),
        ["r1"]
      )
      assert.lengthOf(requests.collections(), 0)
      yield* Effect.all([requests.drop("r3"), requests.drop("r4")])
      yield* requests.drop("r1")
      yield* eventually(
        "r1 is gone",
        Effect.sync(() => requests.all().length === 0)
      )
    }).pipe(Effect.provide(Layer.provideMerge(Requests.layer(keys), embeddedConsul)), Effect.scoped)
  )
})

describe("LiveSettings", () => {
  it.live("follows the keys below config/", () => {
    const heard: Array<string> = []
    const settings = LiveSettings.layer(keys, { BUILD_TIMEOUT: "45m" }, ({ logLevel }) => heard.push(logLevel))
    return Effect.gen(function* () {
      const consul = yield* Consul
      const { current } = yield* LiveSettings
      const minutes = Effect.map(current, ({ policy }) => Duration.toMinutes(policy.defaults.buildTimeout))
      assert.strictEqual(yield* minutes, 45)
      yield* consul.put(`${keys.config}build_timeout`, "1h")
      yield* consul.put(`${keys.config}log_level`, "debug")
      yield* eventually(
        "KV wins",
        Effect.map(minutes, (value) => value === 60)
      )
      yield* eventually(
        "it is told",
        Effect.sync(() => heard.includes("debug"))
      )
      yield* consul.put(`${keys.config}build_timeout`, "soon")
      yield* eventually(
        "the environment stands in",
        Effect.map(minutes, (value) => value === 45)
      )
      yield* consul.delete(`${keys.config}log_level`)
      yield* eventually(
        "the default is back",
        Effect.map(current, ({ logLevel }) => logLevel === "info")
      )
    }).pipe(Effect.provide(Layer.provideMerge(settings, embeddedConsul)), Effect.scoped)
  })

  it.live("are the same object until one of them is another", () =>
    Effect.gen(function* () {
      const consul = yield* Consul
      const { current } = yield* LiveSettings
      const put = (minutes: number) => consul.put(`${keys.config}build_timeout`, `${minutes}m`)
      const seen = (minutes: number) =>
        eventually(
          `${minutes} minutes are seen`,
          Effect.map(current, ({ policy }) => Duration.toMinutes(policy.defaults.buildTimeout) === minutes)
        )
      yield* put(61)
      yield* seen(61)
      const before = yield* current
      // A folder is a change below the prefix, and no setting.
      yield* consul.put(keys.config, "")
      yield* Effect.sleep("200 millis")
      assert.strictEqual(yield* current, before)
      yield* put(62)
      yield* seen(62)
    }).pipe(
      Effect.provide(
        Layer.provideMerge(
          LiveSettings.layer(keys, {}, () => {}),
          embeddedConsul
        )
      ),
      Effect.scoped
    )
  )
})

describe("installationId", () => {
  it.live("is made once", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* installationId(keys, "first"), "first")
      assert.strictEqual(yield* installationId(keys, "second"), "first")
    }).pipe(Effect.provide(embeddedConsul), Effect.scoped)
  )
})
