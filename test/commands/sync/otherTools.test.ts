import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { setStage, type Stage } from "../../zoo/support/Stage.ts"
import { json, keys, runSync, temporaryFolder, yaml } from "./Bench.ts"

/** A record as the other tools' users keep it in Git. */
const web = yaml("web").replace("team-a/web\n", "zoo/web\n")
const api = json("api").replace('"team-a/api"', '"zoo/api"')

const commit = "9bba46e7e80698ee83aac5acbe7df71035fbfd5f"

/** PUT without flags and without a check, as both tools do, each after the other. */
const put = ({ consul }: Stage, entries: ReadonlyArray<readonly [string, string]>) =>
  Effect.orDie(Effect.forEach(entries, ([key, value]) => consul.put(`${keys.jobs}${key}`, value), { discard: true }))

const statuses = ({ consul }: Stage) =>
  Effect.orDie(
    Effect.map(consul.keys(keys.statuses), ({ value }) => value.map((key) => key.slice(keys.statuses.length)))
  )

const unchanged = Effect.fnUntraced(function* ({ consul }: Stage, key: string, value: string) {
  const entry = yield* Effect.orDie(consul.get(`${keys.jobs}${key}`))
  const { flags, modifyIndex, createIndex } = Option.getOrThrow(entry)
  assert.strictEqual(new TextDecoder().decode(Option.getOrThrow(entry).value), value)
  assert.deepStrictEqual([flags, modifyIndex], [0, createIndex])
})

describe("records that git2consul wrote", () => {
  it.scopedLive("are built as they are when the repository's layout is kept out of their names", () =>
    Effect.gen(function* () {
      const stage = yield* setStage
      yield* stage.serve()
      // mountpoint, source_root, ignore_repo_name, no branch name; files of other folders make it write the ref first.
      // It cuts blanks off the ends of each file.
      yield* put(stage, [
        ["main.ref", ""],
        ["main.ref", commit],
        ["team-a/api.json", api.trim()],
        ["team-a/web.yaml", web.trim()]
      ])
      assert.strictEqual((yield* stage.ended("team-a/web")).status, "SUCCEEDED")
      assert.strictEqual((yield* stage.ended("team-a/api")).status, "SUCCEEDED")
      assert.deepStrictEqual(yield* statuses(stage), ["team-a/api", "team-a/web"])
      yield* unchanged(stage, "team-a/web.yaml", web.trim())
      yield* unchanged(stage, "team-a/api.json", api.trim())

      // A push that changes one file and deletes the other: DELETE, PUT, then the new ref.
      yield* Effect.orDie(stage.consul.delete(`${keys.jobs}team-a/api.json`))
      yield* put(stage, [
        ["team-a/web.yaml", web.replace("latest", "v2").trim()],
        ["main.ref", commit.replace("9", "0")]
      ])
      const second = yield* stage.until(
        "team-a/web",
        ({ generation, status }) => generation === 2 && status === "SUCCEEDED"
      )
      assert.strictEqual(second.generation, 2)
    })
  )

  it.scopedLive("are built under longer names with its defaults, and what is no record says so and delays nobody", () =>
    Effect.gen(function* () {
      const stage = yield* setStage
      yield* stage.serve()
      const place = "builds/main"
      yield* put(stage, [
        ["builds/main.ref", ""],
        [`${place}/.hidden/y`, "x"],
        [`${place}/README.md`, "# builds"],
        [`${place}/team-a/web.yaml`, web.trim()],
        ["builds/main.ref", commit]
      ])
      assert.strictEqual((yield* stage.ended(`${place}/team-a/web`)).status, "SUCCEEDED")
      const readme = yield* stage.until(`${place}/README.md`, ({ reason }) => reason !== undefined)
      assert.strictEqual(readme.reason, "InvalidSpec")
      assert.notInclude(yield* statuses(stage), "builds/main.ref")
    })
  )

  it.scopedLive("are left alone by sync, whatever its folder holds", () =>
    Effect.gen(function* () {
      const stage = yield* setStage
      const folder = yield* temporaryFolder
      yield* put(stage, [
        ["main.ref", commit],
        ["team-a/web.yaml", web.trim()]
      ])
      const ran = yield* runSync(folder, { prune: true, allowEmpty: true }, stage.consul)
      assert.deepStrictEqual([ran.code, ran.out, ran.err], [0, "", ""])
      yield* unchanged(stage, "team-a/web.yaml", web.trim())
    })
  )
})

describe("records that Terraform's consul_keys wrote", () => {
  it.scopedLive("are built as they are, with or without the file's ending in the path", () =>
    Effect.gen(function* () {
      const stage = yield* setStage
      yield* stage.serve()
      yield* put(stage, [
        ["team-b/web.yaml", web],
        ["team-b/api", api]
      ])
      assert.strictEqual((yield* stage.ended("team-b/web")).status, "SUCCEEDED")
      assert.strictEqual((yield* stage.ended("team-b/api")).status, "SUCCEEDED")
      yield* unchanged(stage, "team-b/web.yaml", web)
      yield* unchanged(stage, "team-b/api", api)

      // An apply with a changed value, then one without the key.
      yield* put(stage, [["team-b/web.yaml", web.replace("latest", "v2")]])
      yield* stage.until("team-b/web", ({ generation, status }) => generation === 2 && status === "SUCCEEDED")
      yield* Effect.orDie(stage.consul.delete(`${keys.jobs}team-b/api`))
      const gone = yield* Effect.orDie(stage.consul.get(`${keys.jobs}team-b/api`))
      assert.isTrue(Option.isNone(gone))
    })
  )
})

describe("records that sync wrote", () => {
  it.scopedLive("are built, unchanged records aren't built again, and a file that is gone ends its run", () =>
    Effect.gen(function* () {
      const stage = yield* setStage
      yield* stage.serve()
      const folder = yield* temporaryFolder
      const { writeFile, rm } = yield* Effect.promise(() => import("node:fs/promises"))
      yield* Effect.promise(() => writeFile(`${folder}/web.yaml`, web))
      yield* Effect.promise(() => writeFile(`${folder}/api.json`, api))
      assert.strictEqual((yield* runSync(folder, { prefix: "team-c" }, stage.consul)).code, 0)
      assert.strictEqual((yield* stage.ended("team-c/web")).status, "SUCCEEDED")
      const built = yield* stage.ended("team-c/api")
      yield* Effect.promise(() => rm(`${folder}/web.yaml`))
      const second = yield* runSync(folder, { prefix: "team-c", prune: true }, stage.consul)
      assert.strictEqual(second.out, "deleted team-c/web\nunchanged 1\n")
      assert.strictEqual((yield* stage.ended("team-c/api")).generation, built.generation)
    })
  )
})
