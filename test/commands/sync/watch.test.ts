import { rename, writeFile } from "node:fs/promises"
import { join } from "node:path"
import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { Io } from "../../../src/commands/Io.ts"
import { type SyncOptions, syncWith } from "../../../src/commands/sync.ts"
import { Consul } from "../../../src/consul/Consul.ts"
import { Unavailable } from "../../../src/http/ApiError.ts"
import { recordedIo } from "../support/recordedIo.ts"
import { type Bench, embeddedBench, json, keys, yaml } from "./Bench.ts"

/** A sync that follows its folder, and what it said so far. */
const following = Effect.fnUntraced(function* (bench: Bench, options: SyncOptions = {}, consul = bench.consul) {
  const io = recordedIo()
  const fiber = yield* syncWith(bench.folder, { ...options, watch: true }).pipe(
    Effect.provideService(Io, io.io),
    Effect.provideService(Consul, consul),
    Effect.provide(NodeContext.layer),
    Effect.orDie,
    Effect.forkScoped
  )
  return { fiber, out: io.out, err: io.err }
})

/** Within 8 s: less than a pass without a reason would take. */
const until = (what: string, condition: Effect.Effect<boolean>): Effect.Effect<void> =>
  Effect.gen(function* () {
    while (!(yield* condition)) yield* Effect.sleep(25)
  }).pipe(
    Effect.timeout("8 seconds"),
    Effect.catchAll(() => Effect.dieMessage(`never: ${what}`))
  )

const says = (text: () => string, wanted: string): Effect.Effect<void> =>
  until(
    `${wanted} in ${text()}`,
    Effect.sync(() => text().includes(wanted))
  )

const stays = (what: string, condition: Effect.Effect<boolean>): Effect.Effect<void> =>
  Effect.gen(function* () {
    for (let look = 0; look < 30; look++) {
      assert.isTrue(yield* condition, what)
      yield* Effect.sleep(100)
    }
  })

describe("sync that watches", () => {
  it.scopedLive("follows new, changed and renamed files, in new folders, too", () =>
    Effect.gen(function* () {
      const bench = yield* embeddedBench
      yield* bench.write("web.yaml", yaml("web"))
      const { err, out } = yield* following(bench)
      yield* says(out, "created web\n")
      yield* bench.write("deep/er/api.json", json("api"))
      yield* says(out, "created deep/er/api\n")
      yield* bench.write("deep/er/api.json", json("api").replace("latest", "v2"))
      yield* says(out, "updated deep/er/api\n")
      // As editors save.
      yield* Effect.promise(async () => {
        await writeFile(join(bench.folder, ".web.yaml.tmp"), yaml("web", "v3"))
        await rename(join(bench.folder, ".web.yaml.tmp"), join(bench.folder, "web.yaml"))
      })
      yield* says(out, "updated web\n")
      assert.strictEqual(yield* bench.record("web"), yaml("web", "v3"))
      assert.strictEqual(err(), `Watching ${bench.folder}; Ctrl-C ends it.\n`)
    })
  )

  it.scopedLive("restores what others do to its records in Consul", () =>
    Effect.gen(function* () {
      const bench = yield* embeddedBench
      yield* bench.write("web.yaml", yaml("web"))
      const { out } = yield* following(bench)
      yield* says(out, "created web\n")
      yield* bench.put("web", "# by hand\n")
      yield* says(out, "restored web\n")
      yield* Effect.orDie(bench.consul.delete(`${keys.jobs}web`))
      yield* until(
        "restored twice",
        Effect.sync(() => out().match(/restored web/g)?.length === 2)
      )
      assert.strictEqual(yield* bench.record("web"), yaml("web"))
    })
  )

  it.scopedLive(
    "leaves the record of a file that is at fault as it is, says so once, and goes on with the others",
    () =>
      Effect.gen(function* () {
        const bench = yield* embeddedBench
        yield* bench.write("web.yaml", yaml("web"))
        const { err, out } = yield* following(bench, { prune: true })
        yield* says(out, "created web\n")
        yield* bench.write("web.yaml", "owner: [\n")
        yield* says(err, `${bench.folder}/web.yaml:`)
        yield* bench.write("api.yaml", yaml("api"))
        yield* says(out, "created api\n")
        yield* Effect.sleep("1500 millis")
        assert.strictEqual(yield* bench.record("web"), yaml("web"))
        assert.strictEqual(err().match(/web\.yaml:/g)?.length, 1)
        yield* bench.write("web.yaml", yaml("web", "v2"))
        yield* says(out, "updated web\n")
        yield* says(err, "All is well again.\n")
      })
  )

  it.scopedLive("deletes a record only with --prune, and only once its file has been gone for a while", () =>
    Effect.gen(function* () {
      const bench = yield* embeddedBench
      yield* bench.write("web.yaml", yaml("web"))
      yield* bench.write("api.yaml", yaml("api"))
      yield* bench.put("theirs", "# mine\n")
      const careful = yield* following(bench)
      yield* says(careful.out, "created api\n")
      yield* says(careful.out, "created web\n")
      yield* bench.remove("api.yaml")
      yield* stays(
        "there without --prune",
        Effect.map(bench.names, (names) => names.includes("api"))
      )
      yield* Fiber.interrupt(careful.fiber)
      yield* bench.write("api.yaml", yaml("api"))

      const { out } = yield* following(bench, { prune: true })
      yield* says(out, "unchanged 2\n")
      // A checkout: gone, and there again.
      for (let time = 0; time < 3; time++) {
        yield* bench.remove("api.yaml")
        yield* Effect.sleep("500 millis")
        yield* bench.write("api.yaml", yaml("api"))
        yield* Effect.sleep("500 millis")
      }
      assert.notInclude(out(), "deleted")
      yield* bench.remove("api.yaml")
      yield* says(out, "deleted api\n")
      assert.deepStrictEqual(yield* bench.names, ["theirs", "web"])
    })
  )

  it.scopedLive("deletes nothing when the folder vanishes or is empty, and goes on when it is there again", () =>
    Effect.gen(function* () {
      const bench = yield* embeddedBench
      yield* bench.write("web.yaml", yaml("web"))
      yield* bench.write("team-a/api.yaml", yaml("api"))
      const { err, out } = yield* following(bench, { prune: true })
      yield* says(out, "created team-a/api\n")
      yield* Effect.promise(() => rename(bench.folder, `${bench.folder}-away`))
      yield* says(err, `there is no folder ${bench.folder}; trying again`)
      yield* bench.write("notes.md", "empty but for this")
      yield* says(err, "has no record any more; nothing is deleted without --allow-empty")
      yield* stays(
        "there",
        Effect.map(bench.names, (names) => names.length === 2)
      )
      yield* bench.remove("")
      yield* Effect.promise(() => rename(`${bench.folder}-away`, bench.folder))
      yield* says(err, "All is well again.\n")
      // The watch has moved to the folder that is there now.
      yield* bench.write("team-a/api.yaml", yaml("api", "v2"))
      yield* says(out, "updated team-a/api\n")
      assert.notInclude(out(), "deleted")
    })
  )

  it.scopedLive("waits out an outage of Consul", () =>
    Effect.gen(function* () {
      const bench = yield* embeddedBench
      yield* bench.write("web.yaml", yaml("web"))
      let out = true
      const down = Effect.fail(new Unavailable({ system: "consul", operation: "kv.list", detail: "gone" }))
      const failing: Consul["Type"] = {
        ...bench.consul,
        list: (prefix, options) => Effect.suspend(() => (out ? down : bench.consul.list(prefix, options)))
      }
      const watched = yield* following(bench, {}, failing)
      yield* says(watched.err, "gone; trying again")
      out = false
      yield* says(watched.out, "created web\n")
    })
  )

  it.scopedLive("ends when it is interrupted, and says so", () =>
    Effect.gen(function* () {
      const bench = yield* embeddedBench
      const { err, fiber } = yield* following(bench)
      yield* says(err, "Watching")
      yield* Effect.timeout(Fiber.interrupt(fiber), "2 seconds")
      assert.match(err(), /Stopped\.\n$/)
    })
  )

  it.scopedLive("writes a JSON document a pass that changed something", () =>
    Effect.gen(function* () {
      const bench = yield* embeddedBench
      yield* bench.write("web.yaml", yaml("web"))
      const { out } = yield* following(bench, { output: "json" })
      yield* says(out, '"outcome":"created"')
      yield* bench.write("web.yaml", yaml("web", "v2"))
      yield* says(out, '"outcome":"updated"')
      const documents = out()
        .trim()
        .split("\n")
        .map((line): unknown => JSON.parse(line))
      assert.strictEqual(documents.length, 2)
    })
  )
})
