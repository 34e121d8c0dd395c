import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { benches, json, keys, temporaryFolder, runSync, yaml } from "./Bench.ts"

for (const { absent, bench, on } of benches) {
  describe.skipIf(absent)(`what sync owns, ${on}`, () => {
    it.scopedLive("is never what others wrote: it doesn't write over it, and doesn't prune it", () =>
      Effect.gen(function* () {
        const { names, put, record, remove, sync, write } = yield* bench
        yield* put("by-hand", "# mine\n")
        yield* put("by-git2consul.yaml", yaml("by-git2consul").trim())
        yield* put("elsewhere", yaml("elsewhere"))
        yield* write("web.yaml", yaml("web"))
        yield* write("by-hand.yaml", yaml("by-hand"))
        yield* write("by-git2consul.json", json("by-git2consul"))
        const first = yield* sync({ prune: true })
        assert.deepStrictEqual([first.code, first.message], [1, "2 records were not written"])
        assert.strictEqual(first.out, "created web\n")
        assert.match(
          first.err,
          /^Error: by-git2consul .*the key jobforge-service\/jobs\/by-git2consul.yaml has this name/m
        )
        assert.match(first.err, /^Error: by-hand .*--adopt takes it over/m)
        yield* remove("by-hand.yaml")
        yield* remove("by-git2consul.json")
        assert.strictEqual((yield* sync({ prune: true })).code, 0)
        assert.deepStrictEqual(yield* names, ["by-git2consul.yaml", "by-hand", "elsewhere", "web"])
        assert.strictEqual(yield* record("by-hand"), "# mine\n")
      })
    )

    it.scopedLive("is what it adopted", () =>
      Effect.gen(function* () {
        const { names, put, record, remove, sync, write } = yield* bench
        yield* put("same", yaml("same"))
        yield* put("other", "# mine\n")
        yield* write("same.yaml", yaml("same"))
        yield* write("other.yaml", yaml("other"))
        yield* write("web.yaml", yaml("web"))
        const adopted = yield* sync({ adopt: true })
        assert.deepStrictEqual(adopted.out.split("\n").toSorted(), ["", "adopted other", "adopted same", "created web"])
        assert.strictEqual(yield* record("other"), yaml("other"))
        assert.strictEqual((yield* sync()).out, "unchanged 3\n")
        yield* remove("same.yaml")
        assert.strictEqual((yield* sync({ prune: true })).out, "deleted same\nunchanged 2\n")
        assert.deepStrictEqual(yield* names, ["other", "web"])
      })
    )

    it.scopedLive("is kept apart from what other managers and other prefixes own", () =>
      Effect.gen(function* () {
        const { consul, names, sync, write } = yield* bench
        const other = yield* temporaryFolder
        const sub = (options: object) => runSync(other, options, consul)
        yield* write("web.yaml", yaml("web"))
        yield* write("team-a/api.yaml", yaml("api"))
        yield* sync({ manager: "one" })
        const two = yield* sync({ manager: "two" })
        assert.deepStrictEqual([two.code, two.out], [1, ""])
        assert.match(two.err, /^Error: web .*it is managed by one; --adopt takes it over$/m)

        assert.strictEqual((yield* sub({ manager: "two", prune: true, allowEmpty: true })).out, "")
        assert.strictEqual((yield* sub({ manager: "one", prefix: "team-a", prune: true, allowEmpty: true })).out, "")
        assert.deepStrictEqual(yield* names, ["team-a/api", "web"])

        const taken = yield* sync({ manager: "two", adopt: true })
        assert.deepStrictEqual(taken.out.split("\n").toSorted(), ["", "adopted team-a/api", "adopted web"])
        assert.match((yield* sync({ manager: "one" })).err, /managed by two/)
      })
    )

    it.scopedLive("is restored when others changed or deleted it", () =>
      Effect.gen(function* () {
        const { consul, put, record, remove, sync, write } = yield* bench
        yield* write("web.yaml", yaml("web"))
        yield* write("api.yaml", yaml("api"))
        yield* sync()
        yield* put("web", yaml("web", "by-hand"))
        yield* Effect.orDie(consul.delete(`${keys.jobs}api`))
        const restored = yield* sync()
        assert.deepStrictEqual(restored.out.split("\n").toSorted(), ["", "restored api", "restored web"])
        assert.strictEqual(yield* record("web"), yaml("web"))
        assert.strictEqual(yield* record("api"), yaml("api"))
        assert.strictEqual((yield* sync()).out, "unchanged 2\n")
        yield* remove("api.yaml")
        assert.strictEqual((yield* sync({ prune: true })).out, "deleted api\nunchanged 1\n")
      })
    )

    it.scopedLive("is what it adopts back after somebody else wrote it anew, the very bytes included", () =>
      Effect.gen(function* () {
        const { consul, put, sync, write } = yield* bench
        yield* write("web.yaml", yaml("web"))
        yield* sync()
        yield* Effect.orDie(consul.delete(`${keys.jobs}web`))
        yield* put("web", yaml("web"))
        assert.strictEqual((yield* sync({ adopt: true })).out, "adopted web\n")
        assert.strictEqual((yield* sync()).out, "unchanged 1\n")
      })
    )

    it.scopedLive("is not pruned once somebody else wrote it", () =>
      Effect.gen(function* () {
        const { consul, marks, names, put, remove, sync, write } = yield* bench
        for (const name of ["stays", "changed", "rewritten", "deleted"]) yield* write(`${name}.yaml`, yaml(name))
        yield* sync()
        yield* put("changed", yaml("changed", "by-hand"))
        yield* Effect.orDie(consul.delete(`${keys.jobs}deleted`))
        yield* Effect.orDie(consul.delete(`${keys.jobs}rewritten`))
        // The very bytes: only Consul's indexes tell whose it is.
        yield* put("rewritten", yaml("rewritten"))
        const before = yield* sync({ dryRun: true })
        assert.match(before.err, /^Error: rewritten .*not from here; --adopt/m)

        for (const name of ["changed", "rewritten", "deleted"]) yield* remove(`${name}.yaml`)
        const pruned = yield* sync({ prune: true })
        assert.deepStrictEqual([pruned.code, pruned.out], [0, "unchanged 1\n"])
        assert.match(pruned.err, /^Warning: changed has no file, but wasn't deleted: somebody else changed it/m)
        assert.match(pruned.err, /^Warning: rewritten has no file, but wasn't deleted: somebody else deleted it/m)
        assert.deepStrictEqual(yield* names, ["changed", "rewritten", "stays"])
        assert.deepStrictEqual(yield* marks, ["changed", "stays"])
      })
    )
  })
}
