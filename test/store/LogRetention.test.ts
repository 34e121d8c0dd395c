import { assert, describe, it } from "@effect/vitest"
import { Effect, FastCheck, Layer, Option } from "effect"
import { Consul } from "../../src/consul/Consul.ts"
import { TxnOp } from "../../src/consul/Transaction.ts"
import { boundLog } from "../../src/store/BoundedLog.ts"
import { keysBelow } from "../../src/store/keys.ts"
import { LogArchive } from "../../src/store/LogArchive.ts"
import { encodeLogEntry } from "../../src/store/LogEntry.ts"
import { headroomOf, type IndexedLog, LogRetention, logsToDelete } from "../../src/store/LogRetention.ts"
import { embeddedConsul } from "../support/embeddedConsul.ts"

const keys = keysBelow("jobforge-service")

const tester = Layer.provideMerge(Layer.merge(LogArchive.layer(keys), LogRetention.layer(keys)), embeddedConsul)

const logs = FastCheck.array(FastCheck.record({ at: FastCheck.nat(1000), stored: FastCheck.nat(400) }), {
  maxLength: 30
}).map((entries) =>
  entries.map(({ at, stored }, index): IndexedLog => ({
    path: `a/build-${index}/stdout`,
    modifyIndex: index + 1,
    entry: { at, stored, pieces: 1, bytes: stored, truncated: false }
  }))
)

const size = (some: ReadonlyArray<IndexedLog>) => some.reduce((sum, { entry }) => sum + entry.stored, 0)

describe("logsToDelete", () => {
  it("keeps the total within the limit, deletes the oldest, and no more than it must", () => {
    FastCheck.assert(
      FastCheck.property(logs, FastCheck.nat(5000), FastCheck.nat(1000), (all, logBytes, logAge) => {
        const now = 1000
        const doomed = logsToDelete(all, { logAge, logBytes }, now)
        const kept = all.filter((log) => !doomed.includes(log))
        assert.isAtMost(size(kept), headroomOf(logBytes))
        assert.isTrue(kept.every(({ entry }) => now - entry.at <= logAge))
        const newestDoomed = Math.max(-1, ...doomed.map(({ entry }) => entry.at))
        assert.isTrue(kept.every(({ entry }) => entry.at >= newestDoomed))
        const spared = doomed.at(-1)
        if (spared !== undefined && now - spared.entry.at <= logAge) {
          assert.isAbove(size(kept) + spared.entry.stored, headroomOf(logBytes))
        }
      })
    )
  })
})

const unlimited = { logAge: Number.MAX_SAFE_INTEGER, logBytes: Number.MAX_SAFE_INTEGER }

const namesBelow = (prefix: string) =>
  Effect.gen(function* () {
    const consul = yield* Consul
    return (yield* consul.keys(prefix)).value.map((key) => key.slice(prefix.length))
  })

/** An archived log of which the index says that it came at this time. */
const archivedAt = Effect.fnUntraced(function* (name: string, nomadJobId: string, at: number) {
  const consul = yield* Consul
  const archive = yield* LogArchive
  yield* consul.put(
    keys.logEntry(name, nomadJobId, "stdout"),
    encodeLogEntry({ at, stored: 0, pieces: 0, bytes: 0, truncated: false })
  )
  yield* archive.write(name, nomadJobId, "stdout", boundLog(Buffer.from(`log of ${nomadJobId}`)))
})

describe("LogRetention", () => {
  it.live("deletes what is too old, of records that are gone too, and leaves the rest readable", () =>
    Effect.gen(function* () {
      const archive = yield* LogArchive
      const retention = yield* LogRetention
      yield* archivedAt("gone", "build-1", 100)
      yield* archivedAt("team/a", "build-2", 200)
      yield* archivedAt("team/a", "build-3", 300)
      const pruned = yield* retention.prune({ ...unlimited, logAge: 750 }, Option.none(), 1000)
      assert.strictEqual(pruned.deleted, 2)
      assert.isAbove(pruned.kept, 0)
      assert.deepStrictEqual(yield* namesBelow(keys.logs), ["team/a/build-3/stdout.0"])
      assert.deepStrictEqual(yield* namesBelow(keys.logIndex), ["team/a/build-3/stdout"])
      assert.strictEqual(new TextDecoder().decode(yield* archive.read("team/a", "build-3", "stdout")), "log of build-3")
      assert.lengthOf(yield* archive.read("team/a", "build-2", "stdout"), 0)
    }).pipe(Effect.provide(tester), Effect.scoped)
  )

  it.live("keeps the total below the limit, oldest first", () =>
    Effect.gen(function* () {
      const retention = yield* LogRetention
      for (const at of [5, 3, 1, 2, 4]) yield* archivedAt("a", `build-${at}`, at)
      const { kept: all } = yield* retention.prune(unlimited, Option.none(), 1000)
      const { deleted, kept } = yield* retention.prune(
        { ...unlimited, logBytes: Math.floor(all / 2) },
        Option.none(),
        1000
      )
      assert.strictEqual(deleted, 3)
      assert.isAtMost(kept, all / 2)
      assert.deepStrictEqual(yield* namesBelow(keys.logs), ["a/build-4/stdout.0", "a/build-5/stdout.0"])
    }).pipe(Effect.provide(tester), Effect.scoped)
  )

  it.live("counts a log that a crash cut off, and deletes what there is of it", () =>
    Effect.gen(function* () {
      const consul = yield* Consul
      const retention = yield* LogRetention
      const entry = { at: 100, stored: 900_000, pieces: 3, bytes: 900_000, truncated: false }
      yield* consul.put(keys.logEntry("a", "build-1", "stdout"), encodeLogEntry(entry))
      yield* consul.put(keys.logPiece("a", "build-1", "stdout", 0), "the first piece alone")
      assert.strictEqual((yield* retention.prune(unlimited, Option.none(), 1000)).kept, 900_000)
      yield* retention.prune({ ...unlimited, logBytes: 1000 }, Option.none(), 1000)
      assert.lengthOf(yield* namesBelow(keys.logs), 0)
      assert.lengthOf(yield* namesBelow(keys.logIndex), 0)
    }).pipe(Effect.provide(tester), Effect.scoped)
  )

  it.live("deletes nothing once the office is lost", () =>
    Effect.gen(function* () {
      const consul = yield* Consul
      const retention = yield* LogRetention
      yield* archivedAt("a", "build-1", 100)
      const session = yield* consul.createSession({
        name: "deposed",
        ttl: "10 seconds",
        lockDelay: "0 seconds",
        behavior: "release"
      })
      const fence = Option.some(TxnOp.CheckSession({ key: keys.leader, session }))
      const pruned = yield* retention.prune({ ...unlimited, logAge: 1 }, fence, 1000)
      assert.strictEqual(pruned.deleted, 0)
      assert.lengthOf(yield* namesBelow(keys.logs), 1)
    }).pipe(Effect.provide(tester), Effect.scoped)
  )

  it.live("spares the log of a record whose name begins like another's log", () =>
    Effect.gen(function* () {
      const retention = yield* LogRetention
      yield* archivedAt("a", "build-1", 100)
      yield* archivedAt("a/build-1", "build-2", 900)
      yield* retention.prune({ ...unlimited, logAge: 500 }, Option.none(), 1000)
      assert.deepStrictEqual(yield* namesBelow(keys.logs), ["a/build-1/build-2/stdout.0"])
    }).pipe(Effect.provide(tester), Effect.scoped)
  )

  it.live("finds logs that no index knows, and bounds them too", () =>
    Effect.gen(function* () {
      const consul = yield* Consul
      const retention = yield* LogRetention
      yield* archivedAt("a", "build-1", 900)
      yield* consul.put(keys.logPiece("a", "build-2", "stderr", 0), "stray")
      yield* consul.put(keys.logPiece("a", "build-2", "stderr", 1), "stray")
      assert.strictEqual(yield* retention.adoptStrays(Option.none(), 100), 1)
      assert.strictEqual(yield* retention.adoptStrays(Option.none(), 100), 0)
      yield* retention.prune({ ...unlimited, logAge: 500 }, Option.none(), 1000)
      assert.deepStrictEqual(yield* namesBelow(keys.logs), ["a/build-1/stdout.0"])
    }).pipe(Effect.provide(tester), Effect.scoped)
  )
})
