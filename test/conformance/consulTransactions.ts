import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import {
  maxTransactionBytes,
  maxTransactionOps,
  transactionSize,
  TxnOp,
  TxnResult
} from "../../src/consul/Transaction.ts"
import { area, type Area, setAll, utf8, valueOf } from "./consulArea.ts"

/** The errors' places, kinds and texts, keys shortened to their last part. */
const failures = ({ consul, prefix }: Area, ops: ReadonlyArray<TxnOp>) =>
  Effect.map(
    consul.transaction(ops),
    TxnResult.$match({
      Committed: (): ReadonlyArray<readonly [number, string, string]> => [],
      RolledBack: ({ errors }) =>
        errors.map(({ kind, opIndex, what }) => [opIndex, kind, what.replaceAll(prefix, "")] as const)
    })
  )

const unknownSession = "11111111-2222-3333-4444-555555555555"

export const transactionConformance = (address: () => string): void => {
  describe("a transaction", () => {
    it.scopedLive("does all its operations at one index", () =>
      Effect.gen(function* () {
        const { consul, prefix } = yield* area(address())
        yield* consul.put(`${prefix}old`, "1")
        yield* consul.put(`${prefix}gone`, "1")
        yield* consul.put(`${prefix}kept`, "1")
        const kept = Option.getOrThrow(yield* consul.get(`${prefix}kept`))
        const gone = Option.getOrThrow(yield* consul.get(`${prefix}gone`))
        const result = yield* consul.transaction([
          TxnOp.CheckIndex({ key: kept.key, index: kept.modifyIndex }),
          TxnOp.CheckNotExists({ key: `${prefix}none` }),
          TxnOp.Set({ key: `${prefix}set`, value: "s", flags: 7 }),
          TxnOp.Cas({ key: `${prefix}new`, value: "c", index: 0 }),
          TxnOp.Delete({ key: `${prefix}old` }),
          TxnOp.DeleteCas({ key: gone.key, index: gone.modifyIndex }),
          TxnOp.Get({ key: `${prefix}set` })
        ])
        const left = yield* valueOf(consul.list(prefix))
        assert.deepStrictEqual(
          left.map(({ flags, key, value }) => [key, utf8(value), flags]),
          [
            [`${prefix}kept`, "1", 0],
            [`${prefix}new`, "c", 0],
            [`${prefix}set`, "s", 7]
          ]
        )
        const index = left[1]?.modifyIndex ?? 0
        assert.strictEqual(left[2]?.modifyIndex, index)
        assert.deepStrictEqual(
          result,
          TxnResult.Committed({
            results: [
              { key: kept.key, modifyIndex: kept.modifyIndex },
              { key: `${prefix}set`, modifyIndex: index },
              { key: `${prefix}new`, modifyIndex: index },
              {
                key: `${prefix}set`,
                createIndex: index,
                modifyIndex: index,
                value: new TextEncoder().encode("s")
              }
            ]
          })
        )
      })
    )

    it.scopedLive("does nothing when one operation fails, and names each that does", () =>
      Effect.gen(function* () {
        const test = yield* area(address())
        const { consul, prefix } = test
        yield* consul.put(`${prefix}a`, "1")
        const before = yield* consul.list(prefix)
        const errors = yield* failures(test, [
          TxnOp.Set({ key: `${prefix}new`, value: "x" }),
          TxnOp.Cas({ key: `${prefix}a`, value: "2", index: 0 }),
          TxnOp.Delete({ key: `${prefix}a` }),
          TxnOp.CheckIndex({ key: `${prefix}none`, index: 3 })
        ])
        assert.deepStrictEqual(errors, [
          [1, "stale", 'failed to set key "a", index is stale'],
          [3, "stale", `failed to check index, key "none" doesn't exist`]
        ])
        assert.deepStrictEqual(yield* consul.list(prefix), before)
      })
    )

    it.scopedLive("says in Consul's words why an operation failed", () =>
      Effect.gen(function* () {
        const test = yield* area(address())
        const { consul, prefix } = test
        const holder = yield* consul.createSession({ name: "holder", lockDelay: 0, behavior: "delete" })
        const other = yield* consul.createSession({ name: "other", lockDelay: 0, behavior: "delete" })
        const a = `${prefix}a`
        const lock = `${prefix}lock`
        yield* consul.put(a, "1")
        yield* consul.acquire(lock, "", holder)
        const index = Option.getOrThrow(yield* consul.get(a)).modifyIndex
        const expected: ReadonlyArray<readonly [TxnOp, string, string]> = [
          [TxnOp.Cas({ key: a, value: "", index: 1 }), "stale", 'failed to set key "a", index is stale'],
          [TxnOp.DeleteCas({ key: a, index: 1 }), "stale", 'failed to delete key "a", index is stale'],
          [
            TxnOp.CheckIndex({ key: a, index: 1 }),
            "stale",
            `failed index check for key "a", current modify index ${index} != 1`
          ],
          [TxnOp.CheckNotExists({ key: a }), "exists", 'key "a" exists'],
          [TxnOp.Get({ key: `${prefix}none` }), "exists", `key "none" doesn't exist`],
          [
            TxnOp.CheckSession({ key: lock, session: other }),
            "session",
            `failed session check for key "lock", current session "${holder}" != "${other}"`
          ],
          [
            TxnOp.CheckSession({ key: a, session: other }),
            "session",
            `failed session check for key "a", current session "" != "${other}"`
          ],
          [
            TxnOp.CheckSession({ key: `${prefix}none`, session: other }),
            "session",
            `failed to check session, key "none" doesn't exist`
          ],
          [
            TxnOp.Lock({ key: lock, value: "", session: other }),
            "stale",
            'failed to lock key "lock", lock is already held'
          ],
          [
            TxnOp.Lock({ key: a, value: "", session: unknownSession }),
            "session",
            `invalid session "${unknownSession}"`
          ],
          [
            TxnOp.Unlock({ key: lock, value: "", session: other }),
            "session",
            `failed to unlock key "lock", lock isn't held, or is held by another session`
          ]
        ]
        for (const [op, kind, text] of expected) {
          assert.deepStrictEqual(yield* failures(test, [op]), [[0, kind, text]])
        }
        yield* consul.destroySession(holder)
        yield* consul.destroySession(other)
      })
    )

    it.scopedLive("sees its own earlier operations", () =>
      Effect.gen(function* () {
        const test = yield* area(address())
        const { consul, prefix } = test
        const key = `${prefix}a`
        assert.deepStrictEqual(
          yield* failures(test, [TxnOp.Set({ key, value: "1" }), TxnOp.Cas({ key, value: "2", index: 0 })]),
          [[1, "stale", 'failed to set key "a", index is stale']]
        )
        assert.deepStrictEqual(
          yield* failures(test, [
            TxnOp.Set({ key, value: "1" }),
            TxnOp.Delete({ key }),
            TxnOp.CheckNotExists({ key }),
            TxnOp.Cas({ key, value: "2", index: 0 })
          ]),
          []
        )
        assert.strictEqual(utf8(Option.getOrThrow(yield* consul.get(key)).value), "2")
      })
    )

    it.scopedLive("takes a missing key for deleted, with an index too", () =>
      Effect.gen(function* () {
        const { consul, prefix } = yield* area(address())
        const result = yield* consul.transaction([
          TxnOp.Delete({ key: `${prefix}none` }),
          TxnOp.DeleteCas({ key: `${prefix}none`, index: 5 })
        ])
        assert.deepStrictEqual(result, TxnResult.Committed({ results: [] }))
      })
    )

    it.scopedLive("keeps a key's index when it writes the same value again", () =>
      Effect.gen(function* () {
        const { consul, prefix } = yield* area(address())
        const key = `${prefix}a`
        yield* consul.put(key, "1")
        const before = Option.getOrThrow(yield* consul.get(key))
        yield* consul.transaction([TxnOp.Set({ key, value: "1" })])
        assert.deepStrictEqual(Option.getOrThrow(yield* consul.get(key)), before)
      })
    )

    it.scopedLive("locks, checks the lock and unlocks", () =>
      Effect.gen(function* () {
        const test = yield* area(address())
        const { consul, prefix } = test
        const session = yield* consul.createSession({ name: test.id, lockDelay: 0, behavior: "release" })
        const key = `${prefix}lock`
        assert.deepStrictEqual(yield* failures(test, [TxnOp.Lock({ key, value: "mine", session })]), [])
        const held = Option.getOrThrow(yield* consul.get(key))
        assert.deepStrictEqual([held.session, held.lockIndex, utf8(held.value)], [session, 1, "mine"])
        assert.deepStrictEqual(
          yield* failures(test, [
            TxnOp.CheckSession({ key, session }),
            TxnOp.Set({ key: `${prefix}fenced`, value: "1" }),
            TxnOp.Unlock({ key, value: "free", session })
          ]),
          []
        )
        const free = Option.getOrThrow(yield* consul.get(key))
        assert.deepStrictEqual([free.session, free.lockIndex, utf8(free.value)], [undefined, 1, "free"])
        assert.deepStrictEqual(
          (yield* failures(test, [TxnOp.CheckSession({ key, session })])).map(([, kind]) => kind),
          ["session"]
        )
        yield* consul.destroySession(session)
      })
    )

    it.scopedLive("that only reads tells one state, as one that is to be consistent too", () =>
      Effect.gen(function* () {
        const { consul, prefix } = yield* area(address())
        yield* consul.transaction([
          TxnOp.Set({ key: `${prefix}a`, value: "1" }),
          TxnOp.Set({ key: `${prefix}b`, value: "2" })
        ])
        const { index, value } = yield* consul.list(prefix)
        const read = [
          TxnOp.CheckNotExists({ key: `${prefix}none` }),
          TxnOp.Get({ key: `${prefix}a` }),
          TxnOp.CheckIndex({ key: `${prefix}a`, index }),
          TxnOp.Get({ key: `${prefix}b` })
        ]
        const [plain, consistent] = [
          yield* consul.transaction(read),
          yield* consul.transaction(read, { consistent: true })
        ]
        assert.deepStrictEqual(consistent, plain)
        const results = plain._tag === "Committed" ? plain.results.filter((entry) => "value" in entry) : []
        assert.deepStrictEqual(
          results.map((entry) => [entry.key, entry.modifyIndex, utf8(entry.value ?? new Uint8Array())]),
          value.map((entry) => [entry.key, entry.modifyIndex, utf8(entry.value)])
        )
        const missing = yield* consul.transaction([TxnOp.Get({ key: `${prefix}none` })], { consistent: true })
        assert.deepStrictEqual(missing, {
          _tag: "RolledBack",
          errors: [{ opIndex: 0, what: `key "${prefix}none" doesn't exist`, kind: "exists" }]
        })
      })
    )

    it.scopedLive("has at most 64 operations", () =>
      Effect.gen(function* () {
        const { consul, prefix, raw } = yield* area(address())
        const ops = Array.from({ length: maxTransactionOps }, (_, n) => TxnOp.Set({ key: `${prefix}${n}`, value: "x" }))
        const result = yield* consul.transaction(ops)
        assert.strictEqual(result._tag === "Committed" ? result.results.length : 0, maxTransactionOps)
        const body = setAll(Array.from({ length: maxTransactionOps + 1 }, (_, n) => `${prefix}${n}`))
        const answer = yield* raw("PUT", "/v1/txn", { body })
        assert.deepStrictEqual(
          [answer.status, answer.text],
          [413, "Transaction contains too many operations (65 > 64)"]
        )
      })
    )

    it.scopedLive("has at most 512 KiB as it is sent", () =>
      Effect.gen(function* () {
        const { consul, prefix, raw } = yield* area(address())
        const room = maxTransactionBytes - transactionSize([TxnOp.Set({ key: prefix, value: "" })])
        const fitting = [TxnOp.Set({ key: prefix + "k".repeat(room % 4), value: "x".repeat(Math.floor(room / 4) * 3) })]
        assert.strictEqual(transactionSize(fitting), maxTransactionBytes)
        assert.strictEqual((yield* consul.transaction(fitting))._tag, "Committed")
        const value = Buffer.alloc(Math.floor(room / 4) * 3 + 3).toString("base64")
        const body = setAll([`${prefix}big`], value)
        const answer = yield* raw("PUT", "/v1/txn", { body })
        assert.strictEqual(answer.status, 413)
        assert.deepStrictEqual(yield* consul.get(`${prefix}big`), Option.none())
      })
    )

    it.scopedLive("is refused when it isn't understood", () =>
      Effect.gen(function* () {
        const { raw } = yield* area(address())
        const verb = yield* raw("PUT", "/v1/txn", { body: '[{"KV":{"Verb":"frob","Key":"a"}}]' })
        assert.strictEqual(verb.status, 409)
        assert.include(verb.text, 'unknown KV verb \\"frob\\"')
        assert.strictEqual((yield* raw("PUT", "/v1/txn", { body: "[{" })).status, 400)
      })
    )
  })
}
