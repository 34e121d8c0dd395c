import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { maxValueBytes } from "../../src/consul/Kv.ts"
import { area, utf8, valueOf } from "./consulArea.ts"

export const kvConformance = (address: () => string): void => {
  describe("keys and values", () => {
    it.scopedLive("come back as they were written, byte for byte", () =>
      Effect.gen(function* () {
        const { consul, prefix } = yield* area(address())
        const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte)
        yield* consul.put(`${prefix}bytes`, bytes)
        const entry = Option.getOrThrow(yield* consul.get(`${prefix}bytes`))
        assert.deepStrictEqual(entry.value, bytes)
        assert.deepStrictEqual([entry.flags, entry.lockIndex, entry.session], [0, 0, undefined])
      })
    )

    it.scopedLive("may be empty", () =>
      Effect.gen(function* () {
        const { consul, prefix, raw } = yield* area(address())
        yield* consul.put(`${prefix}empty`, "")
        assert.strictEqual(Option.getOrThrow(yield* consul.get(`${prefix}empty`)).value.length, 0)
        assert.match((yield* raw("GET", `/v1/kv/${prefix}empty`)).text, /"Value": ?null/)
      })
    )

    it.scopedLive("have names with spaces, escapes and letters of any script", () =>
      Effect.gen(function* () {
        const { consul, prefix } = yield* area(address())
        const names = ["a b", "50%", "a+b", "a#b", "ü/ö", "日本", "a?b&c=d", "trailing/"]
        for (const name of names) yield* consul.put(prefix + name, name)
        const entries = yield* valueOf(consul.list(prefix))
        assert.sameMembers(
          entries.map(({ key }) => key),
          names.map((name) => prefix + name)
        )
        for (const { key, value } of entries) assert.strictEqual(prefix + utf8(value), key)
      })
    )

    it.scopedLive("take an escaped slash for a slash", () =>
      Effect.gen(function* () {
        const { consul, prefix, raw } = yield* area(address())
        yield* raw("PUT", `/v1/kv/${prefix}a%2Fb`, { body: "x" })
        assert.isTrue(Option.isSome(yield* consul.get(`${prefix}a/b`)))
      })
    )

    it.scopedLive("are given raw when asked so", () =>
      Effect.gen(function* () {
        const { consul, prefix, raw } = yield* area(address())
        yield* consul.put(`${prefix}a`, "as it is")
        const answer = yield* raw("GET", `/v1/kv/${prefix}a`, { query: { raw: true } })
        assert.deepStrictEqual([answer.status, answer.text], [200, "as it is"])
        assert.isAbove(answer.index, 0)
      })
    )

    it.scopedLive("keep flags", () =>
      Effect.gen(function* () {
        const { consul, prefix, raw } = yield* area(address())
        yield* raw("PUT", `/v1/kv/${prefix}a`, { query: { flags: 42 }, body: "x" })
        assert.strictEqual(Option.getOrThrow(yield* consul.get(`${prefix}a`)).flags, 42)
      })
    )

    it.scopedLive("keep the index of their creation and raise that of their change", () =>
      Effect.gen(function* () {
        const { consul, prefix } = yield* area(address())
        yield* consul.put(`${prefix}a`, "1")
        const first = Option.getOrThrow(yield* consul.get(`${prefix}a`))
        yield* consul.put(`${prefix}a`, "2")
        const second = Option.getOrThrow(yield* consul.get(`${prefix}a`))
        assert.strictEqual(first.createIndex, first.modifyIndex)
        assert.strictEqual(second.createIndex, first.createIndex)
        assert.isAbove(second.modifyIndex, first.modifyIndex)
      })
    )

    it.scopedLive("keep their index when the same value is written again", () =>
      Effect.gen(function* () {
        const { consul, prefix } = yield* area(address())
        yield* consul.put(`${prefix}a`, "1")
        const first = Option.getOrThrow(yield* consul.get(`${prefix}a`))
        yield* consul.put(`${prefix}a`, "1")
        assert.deepStrictEqual(Option.getOrThrow(yield* consul.get(`${prefix}a`)), first)
      })
    )

    it.scopedLive("are missing without an error, under an index", () =>
      Effect.gen(function* () {
        const { consul, prefix, raw } = yield* area(address())
        assert.deepStrictEqual(yield* consul.get(`${prefix}none`), Option.none())
        assert.deepStrictEqual(yield* valueOf(consul.list(`${prefix}none/`)), [])
        assert.deepStrictEqual(yield* valueOf(consul.keys(`${prefix}none/`)), [])
        const answer = yield* raw("GET", `/v1/kv/${prefix}none`)
        assert.deepStrictEqual([answer.status, answer.text], [404, ""])
        assert.isAbove(answer.index, 0)
      })
    )

    it.scopedLive("are the same in a consistent and in a stale read", () =>
      Effect.gen(function* () {
        const { consul, prefix, raw } = yield* area(address())
        yield* consul.put(`${prefix}a`, "1")
        assert.isTrue(Option.isSome(yield* consul.get(`${prefix}a`, { consistent: true })))
        assert.strictEqual((yield* valueOf(consul.list(prefix, { consistent: true }))).length, 1)
        assert.strictEqual((yield* raw("GET", `/v1/kv/${prefix}a`, { query: { stale: true } })).status, 200)
      })
    )

    it.scopedLive("may have 512 KiB, and not a byte more", () =>
      Effect.gen(function* () {
        const { consul, prefix, raw } = yield* area(address())
        yield* consul.put(`${prefix}full`, new Uint8Array(maxValueBytes).fill(120))
        assert.strictEqual(Option.getOrThrow(yield* consul.get(`${prefix}full`)).value.length, maxValueBytes)
        const answer = yield* raw("PUT", `/v1/kv/${prefix}over`, { body: new Uint8Array(maxValueBytes + 1) })
        assert.strictEqual(answer.status, 413)
        assert.match(answer.text, /524289 bytes.*too large, max size: 524288 bytes/)
        assert.deepStrictEqual(yield* consul.get(`${prefix}over`), Option.none())
      })
    )
  })

  describe("a list", () => {
    it.scopedLive("is sorted, and bounded by a prefix, not by a folder", () =>
      Effect.gen(function* () {
        const { consul, prefix } = yield* area(address())
        for (const name of ["b", "a/2", "a/1", "ab", "a"]) yield* consul.put(prefix + name, name)
        const all = yield* consul.keys(prefix)
        assert.deepStrictEqual(
          all.value,
          ["a", "a/1", "a/2", "ab", "b"].map((name) => prefix + name)
        )
        const some = yield* valueOf(consul.list(`${prefix}a`))
        assert.deepStrictEqual(
          some.map(({ key }) => key),
          ["a", "a/1", "a/2", "ab"].map((name) => prefix + name)
        )
        assert.deepStrictEqual(yield* valueOf(consul.keys(`${prefix}a/`)), [`${prefix}a/1`, `${prefix}a/2`])
      })
    )

    it.scopedLive("has the index of the newest change below its prefix, and of that only", () =>
      Effect.gen(function* () {
        const { consul, prefix } = yield* area(address())
        yield* consul.put(`${prefix}in/a`, "1")
        const before = yield* consul.list(`${prefix}in/`)
        yield* consul.put(`${prefix}out`, "1")
        const after = yield* consul.list(`${prefix}in/`)
        assert.strictEqual(before.index, before.value[0]?.modifyIndex)
        assert.strictEqual(after.index, before.index)
        assert.strictEqual((yield* consul.keys(`${prefix}in/`)).index, before.index)
      })
    )

    it.scopedLive("of names ends them after the first separator", () =>
      Effect.gen(function* () {
        const { consul, prefix } = yield* area(address())
        for (const name of ["top", "f/1", "f/2", "f/g/3", "h/4"]) yield* consul.put(prefix + name, name)
        assert.deepStrictEqual(
          yield* valueOf(consul.keys(prefix, "/")),
          ["f/", "h/", "top"].map((name) => prefix + name)
        )
        assert.deepStrictEqual(
          yield* valueOf(consul.keys(`${prefix}f/`, "/")),
          ["f/1", "f/2", "f/g/"].map((name) => prefix + name)
        )
      })
    )

    it.scopedLive("raises its index when a key is deleted, the last one too", () =>
      Effect.gen(function* () {
        const { consul, prefix } = yield* area(address())
        yield* consul.put(`${prefix}a`, "1")
        yield* consul.put(`${prefix}b`, "1")
        const two = yield* consul.list(prefix)
        yield* consul.delete(`${prefix}b`)
        const one = yield* consul.list(prefix)
        yield* consul.delete(`${prefix}a`)
        const none = yield* consul.list(prefix)
        assert.deepStrictEqual([two.value.length, one.value.length, none.value.length], [2, 1, 0])
        assert.isAbove(one.index, two.index)
        assert.isAbove(none.index, one.index)
      })
    )
  })

  describe("compare-and-set", () => {
    it.scopedLive("with 0 only creates", () =>
      Effect.gen(function* () {
        const { consul, prefix } = yield* area(address())
        assert.isTrue(yield* consul.putCas(`${prefix}a`, "1", 0))
        assert.isFalse(yield* consul.putCas(`${prefix}a`, "2", 0))
        assert.strictEqual(utf8(Option.getOrThrow(yield* consul.get(`${prefix}a`)).value), "1")
      })
    )

    it.scopedLive("writes at the index that was read, and at no other", () =>
      Effect.gen(function* () {
        const { consul, prefix } = yield* area(address())
        yield* consul.put(`${prefix}a`, "1")
        const { modifyIndex } = Option.getOrThrow(yield* consul.get(`${prefix}a`))
        assert.isTrue(yield* consul.putCas(`${prefix}a`, "2", modifyIndex))
        assert.isFalse(yield* consul.putCas(`${prefix}a`, "3", modifyIndex))
        assert.isFalse(yield* consul.putCas(`${prefix}missing`, "3", modifyIndex))
        assert.strictEqual(utf8(Option.getOrThrow(yield* consul.get(`${prefix}a`)).value), "2")
      })
    )

    it.scopedLive("lets one of many writers through", () =>
      Effect.gen(function* () {
        const { consul, prefix } = yield* area(address())
        yield* consul.put(`${prefix}a`, "0")
        const { modifyIndex } = Option.getOrThrow(yield* consul.get(`${prefix}a`))
        const done = yield* Effect.forEach(
          Array.from({ length: 10 }, (_, n) => `writer ${n}`),
          (value) => consul.putCas(`${prefix}a`, value, modifyIndex),
          { concurrency: "unbounded" }
        )
        assert.strictEqual(done.filter(Boolean).length, 1)
      })
    )

    it.scopedLive("deletes at the index that was read; 0 deletes nothing; what is missing counts as deleted", () =>
      Effect.gen(function* () {
        const { consul, prefix } = yield* area(address())
        yield* consul.put(`${prefix}a`, "1")
        const { modifyIndex } = Option.getOrThrow(yield* consul.get(`${prefix}a`))
        assert.isFalse(yield* consul.deleteCas(`${prefix}a`, 0))
        assert.isFalse(yield* consul.deleteCas(`${prefix}a`, modifyIndex - 1))
        assert.isTrue(yield* consul.deleteCas(`${prefix}a`, modifyIndex))
        assert.deepStrictEqual(yield* consul.get(`${prefix}a`), Option.none())
        assert.isTrue(yield* consul.deleteCas(`${prefix}a`, modifyIndex))
      })
    )
  })

  describe("deletion", () => {
    it.scopedLive("of a tree takes what has the prefix and leaves the rest", () =>
      Effect.gen(function* () {
        const { consul, prefix } = yield* area(address())
        for (const name of ["t/a", "t/b/c", "tx"]) yield* consul.put(prefix + name, name)
        yield* consul.deleteTree(`${prefix}t/`)
        assert.deepStrictEqual(yield* valueOf(consul.keys(prefix)), [`${prefix}tx`])
      })
    )

    it.scopedLive("of what isn't there succeeds", () =>
      Effect.gen(function* () {
        const { consul, prefix } = yield* area(address())
        yield* consul.delete(`${prefix}none`)
        yield* consul.deleteTree(`${prefix}none/`)
      })
    )
  })

  describe("a wrong request", () => {
    it.scopedLive("is told apart by its status", () =>
      Effect.gen(function* () {
        const { prefix, raw } = yield* area(address())
        const answers = [
          yield* raw("PUT", "/v1/kv/", { body: "x" }),
          yield* raw("GET", `/v1/kv/${prefix}`, { query: { index: "abc" } }),
          yield* raw("GET", `/v1/kv/${prefix}`, { query: { index: 1, wait: "abc" } }),
          yield* raw("PUT", `/v1/kv/${prefix}a`, { query: { cas: "abc" }, body: "x" }),
          yield* raw("POST", `/v1/kv/${prefix}a`, { body: "x" }),
          yield* raw("GET", "/v1/nosuch")
        ]
        assert.deepStrictEqual(
          answers.map(({ status, text }) => [status, text]),
          [
            [400, "Missing key name"],
            [400, "Invalid index"],
            [400, "Invalid wait time"],
            [500, 'strconv.ParseUint: parsing "abc": invalid syntax'],
            [405, "method POST not allowed"],
            [404, ""]
          ]
        )
      })
    )

    it.scopedLive("to a path that isn't clean is redirected, not carried out", () =>
      Effect.gen(function* () {
        const { consul, prefix, raw } = yield* area(address())
        const paths = [`${prefix}a//b`, `${prefix}a%2F%2Fb`, `${prefix}a/./b`, `${prefix}a%2F..%2Fb`, `/${prefix}a`]
        for (const path of paths) assert.strictEqual((yield* raw("PUT", `/v1/kv/${path}`, { body: "x" })).status, 301)
        assert.deepStrictEqual(yield* valueOf(consul.keys(prefix)), [])
      })
    )
  })
}
