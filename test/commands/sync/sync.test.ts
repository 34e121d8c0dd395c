import { symlink } from "node:fs/promises"
import { join } from "node:path"
import { FileSystem } from "@effect/platform"
import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { benches, embeddedBench, json, runSync, yaml } from "./Bench.ts"

for (const { absent, bench, on } of benches) {
  describe.skipIf(absent)(`sync ${on}`, () => {
    it.scopedLive("creates, updates, leaves alone and prunes, and says each in a line", () =>
      Effect.gen(function* () {
        const { marks, names, record, remove, sync, write } = yield* bench
        yield* write("web.yaml", yaml("web"))
        yield* write("team-a/api.json", json("api"))
        yield* write("team-a/old.yml", yaml("old"))
        yield* write("README.md", "# Not a record")
        yield* write(".git/config.yaml", "not: a record")

        const first = yield* sync()
        assert.deepStrictEqual(first.out.split("\n").toSorted(), [
          "",
          "created team-a/api",
          "created team-a/old",
          "created web"
        ])
        assert.deepStrictEqual([first.code, first.err], [0, ""])
        assert.strictEqual(yield* record("web"), yaml("web"))
        assert.strictEqual(yield* record("team-a/api"), json("api"))

        yield* write("web.yaml", yaml("web", "v2"))
        yield* remove("team-a/old.yml")
        const second = yield* sync()
        assert.strictEqual(second.out, "updated web\nunchanged 1\n")
        assert.strictEqual(second.err, "1 record has no file any more; --prune deletes them\n")
        assert.strictEqual(yield* record("web"), yaml("web", "v2"))

        const third = yield* sync({ prune: true })
        assert.strictEqual(third.out, "deleted team-a/old\nunchanged 2\n")
        assert.deepStrictEqual(yield* names, ["team-a/api", "web"])
        assert.deepStrictEqual(yield* marks, ["team-a/api", "web"])

        const fourth = yield* sync({ prune: true })
        assert.deepStrictEqual([fourth.out, fourth.err, fourth.code], ["unchanged 2\n", "", 0])
      })
    )

    it.scopedLive("writes nothing in a dry run, and shows what it would do as a patch", () =>
      Effect.gen(function* () {
        const { folder, names, remove, sync, write } = yield* bench
        yield* write("web.yaml", yaml("web"))
        yield* write("old.yaml", yaml("old"))
        yield* sync()
        yield* write("web.yaml", yaml("web", "v2"))
        yield* write("new.yaml", yaml("new"))
        yield* remove("old.yaml")
        const dry = yield* sync({ dryRun: true, prune: true })
        assert.strictEqual(dry.code, 0)
        assert.strictEqual(dry.err, "would be 1 created, 1 updated, 1 deleted; unchanged 0\n")
        assert.include(dry.out, `--- /dev/null\n+++ ${folder}/new.yaml\n@@ -0,0 +1,6 @@\n+# The new image.\n`)
        assert.include(
          dry.out,
          "--- consul:jobforge-service/jobs/old\n+++ /dev/null\n@@ -1,6 +0,0 @@\n-# The old image.\n"
        )
        assert.include(
          dry.out,
          [
            "--- consul:jobforge-service/jobs/web",
            `+++ ${folder}/web.yaml`,
            "@@ -2,5 +2,5 @@",
            " owner: team-a",
            " repo_url: https://git.example.com/team-a/web.git",
            " image_name: team-a/web",
            "-image_tags: [latest]",
            "+image_tags: [v2]",
            " registry_url: registry.example.com:5000",
            ""
          ].join("\n")
        )
        assert.deepStrictEqual(yield* names, ["old", "web"])
        assert.strictEqual((yield* sync({ dryRun: true, exitCode: true })).code, 1)
        yield* sync({ prune: true })
        const after = yield* sync({ dryRun: true, exitCode: true, prune: true })
        assert.deepStrictEqual([after.code, after.out, after.err], [0, "", "nothing would change; unchanged 2\n"])
      })
    )
  })
}

describe("sync of a folder", () => {
  it.scopedLive("keeps to the prefix", () =>
    Effect.gen(function* () {
      const { names, put, sync, write } = yield* embeddedBench
      yield* put("team-b/web", yaml("web"))
      yield* write("web.yaml", yaml("web"))
      assert.strictEqual((yield* sync({ prefix: "team-a" })).out, "created team-a/web\n")
      assert.strictEqual((yield* sync({ prefix: "team-a/", prune: true })).out, "unchanged 1\n")
      assert.deepStrictEqual(yield* names, ["team-a/web", "team-b/web"])
    })
  )

  it.scopedLive("writes nothing when a file is at fault, and names all faults of all files", () =>
    Effect.gen(function* () {
      const { folder, names, sync, write } = yield* embeddedBench
      yield* write("good.yaml", yaml("good"))
      yield* write("one.yaml", yaml("one").replace("image_name", "image_nam"))
      yield* write("two.json", '{\n  "owner": 1,\n  "image_tags": []\n}\n')
      yield* write("three.yaml", "owner: [\n")
      const ran = yield* sync()
      assert.strictEqual(ran.code, 2)
      assert.match(ran.message, /nothing was written$/)
      assert.include(ran.err, `${folder}/one.yaml:4:`)
      assert.include(ran.err, `${folder}/two.json:2:12: owner: `)
      assert.include(ran.err, `${folder}/three.yaml:`)
      assert.isTrue(ran.err.split("\n").every((line) => line === "" || line.startsWith(`${folder}/`)))
      assert.deepStrictEqual([ran.out, yield* names], ["", []])
    })
  )

  it.scopedLive("refuses files that the service would not take for one record each", () =>
    Effect.gen(function* () {
      const { folder, sync, write } = yield* embeddedBench
      yield* write("web.yaml", yaml("web"))
      yield* write("web.json", json("web"))
      yield* write("main.ref.yaml", yaml("web"))
      yield* write("twice.json.yaml", yaml("web"))
      yield* write("6f8a0b9c-6c2e-4b6e-9d39-5cf0a1f5d1aa.yaml", yaml("web"))
      yield* write("large.yaml", `${yaml("large")}# ${"x".repeat(64 * 1024)}\n`)
      const { code, err } = yield* sync()
      assert.strictEqual(code, 2)
      assert.include(err, `${folder}/web.json and ${folder}/web.yaml are one record; keep one of them`)
      assert.include(err, `${folder}/main.ref.yaml: the service ignores records whose name ends in .ref`)
      assert.include(err, `${folder}/twice.json.yaml: a record's name can't end in .yaml, .yml or .json`)
      assert.include(err, "5cf0a1f5d1aa.yaml: a UUID is how the service names jobs that come over HTTP")
      assert.include(err, `${folder}/large.yaml: the file has more than the 65536 bytes that a record may have`)
    })
  )

  it.scopedLive("follows a link to a file of the folder, and no other", () =>
    Effect.gen(function* () {
      const { folder, names, remove, sync, write } = yield* embeddedBench
      const other = yield* embeddedBench
      yield* other.write("secret.yaml", yaml("secret"))
      // As a mounted ConfigMap has it.
      yield* write("..2026/web.yaml", yaml("web"))
      yield* Effect.promise(() => symlink("..2026", join(folder, "..data")))
      yield* Effect.promise(() => symlink("..data/web.yaml", join(folder, "web.yaml")))
      assert.strictEqual((yield* sync()).out, "created web\n")

      yield* Effect.promise(() => symlink(join(other.folder, "secret.yaml"), join(folder, "out.yaml")))
      yield* Effect.promise(() => symlink(other.folder, join(folder, "outside")))
      yield* Effect.promise(() => symlink("nowhere.yaml", join(folder, "dangling.yaml")))
      const ran = yield* sync()
      assert.strictEqual(ran.code, 2)
      assert.include(ran.err, "out.yaml: it is a link to what lies outside the folder")
      assert.include(ran.err, "outside/: links to folders aren't followed")
      assert.include(ran.err, "dangling.yaml: it is a link to nothing")
      assert.deepStrictEqual(yield* names, ["web"])
      for (const link of ["out.yaml", "outside", "dangling.yaml"]) yield* remove(link)
      assert.strictEqual((yield* sync()).code, 0)
    })
  )

  it.scopedLive("prunes nothing because of a folder that is empty, or isn't there", () =>
    Effect.gen(function* () {
      const { folder, names, remove, sync, write } = yield* embeddedBench
      yield* write("web.yaml", yaml("web"))
      yield* sync()
      yield* remove("web.yaml")
      const refused = yield* sync({ prune: true })
      assert.deepStrictEqual([refused.code, yield* names], [2, ["web"]])
      assert.match(refused.message, /has no record, so --prune would delete all 1 .*--allow-empty/)
      assert.strictEqual((yield* sync({ prune: true, allowEmpty: true })).out, "deleted web\n")
      yield* remove("")
      const gone = yield* sync({ prune: true, allowEmpty: true })
      assert.deepStrictEqual([gone.code, gone.message], [2, `there is no folder ${folder}`])
    })
  )

  it.scopedLive("prunes nothing when files go while they are read", () =>
    Effect.gen(function* () {
      const { consul, folder, names, sync, write } = yield* embeddedBench
      yield* write("web.yaml", yaml("web"))
      yield* write("api.yaml", yaml("api"))
      yield* sync()
      const files = yield* FileSystem.FileSystem
      const going: FileSystem.FileSystem = {
        ...files,
        readFile: (path) => (path.endsWith("web.yaml") ? files.readFile(`${path}.gone`) : files.readFile(path))
      }
      const ran = yield* runSync(folder, { prune: true }, consul, Layer.succeed(FileSystem.FileSystem, going))
      assert.deepStrictEqual([ran.code, yield* names], [2, ["api", "web"]])
      assert.include(ran.err, `${folder}/web.yaml: it went away while the folder was read; run this again`)
    }).pipe(Effect.provide(NodeContext.layer))
  )

  it.scopedLive("answers with one JSON document", () =>
    Effect.gen(function* () {
      const { folder, put, sync, write } = yield* embeddedBench
      yield* put("theirs", yaml("theirs"))
      yield* write("web.yaml", yaml("web"))
      yield* write("theirs.yaml", yaml("theirs"))
      const ran = yield* sync({ output: "json", manager: "ci" })
      assert.strictEqual(ran.code, 1)
      assert.deepStrictEqual(JSON.parse(ran.out), {
        prefix: "",
        manager: "ci",
        dry_run: false,
        unchanged: 0,
        records: [
          {
            name: "theirs",
            outcome: "refused",
            file: `${folder}/theirs.yaml`,
            reason:
              "a record of this name is there already, and not from here; --adopt takes it over, or rename or delete one of the two"
          },
          { name: "web", outcome: "created", file: `${folder}/web.yaml` }
        ]
      })
    })
  )

  it.scopedLive("names an option that it can't use", () =>
    Effect.gen(function* () {
      const { sync } = yield* embeddedBench
      for (const prefix of ["/team-a", "a//b", "../x", "a/./b", "/"]) {
        const { code, message } = yield* sync({ prefix })
        assert.strictEqual(code, 2)
        assert.match(message, /^--prefix /)
      }
      for (const manager of ["", " ", "a b", "-a"]) {
        const { code, message } = yield* sync({ manager })
        assert.strictEqual(code, 2)
        assert.match(message, /^--manager /)
      }
      assert.match((yield* sync({ watch: true, dryRun: true })).message, /--dry-run .*--watch/)
    })
  )
})
