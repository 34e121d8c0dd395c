import { type ChildProcess, spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Either, Option } from "effect"
import { Io } from "../../../src/commands/Io.ts"
import { Mark } from "../../../src/commands/sync/Mark.ts"
import { sync } from "../../../src/commands/sync.ts"
import type { Consul } from "../../../src/consul/Consul.ts"
import { Unavailable } from "../../../src/http/ApiError.ts"
import { recordedIo } from "../support/recordedIo.ts"
import { type Bench, benches, embeddedBench, keys, runSync, yaml } from "./Bench.ts"

/** Does something else right before each transaction that there is something for. */
const interfering = (consul: Consul["Type"], before: (count: number) => Effect.Effect<void>): Consul["Type"] => {
  let count = 0
  return {
    ...consul,
    transaction: (ops, options) => Effect.zipRight(before(count++), consul.transaction(ops, options))
  }
}

const writeMany = ({ write }: Bench, from: number, to: number) =>
  Effect.forEach(
    Array.from({ length: to - from }, (_, index) => from + index),
    (number) => write(`team-${number % 7}/job-${number}.yaml`, yaml(`job-${number}`)),
    { concurrency: 16, discard: true }
  )

/** Each record with a mark and each mark with a record. */
const assertWhole = Effect.fnUntraced(function* ({ marks, names }: Bench) {
  assert.deepStrictEqual(yield* names, yield* marks)
})

for (const { absent, bench, on } of benches) {
  describe.skipIf(absent)(`sync beside others, ${on}`, () => {
    it.scopedLive("doesn't take what somebody writes between its read and its write", () =>
      Effect.gen(function* () {
        const { consul, put, record, sync: run, write } = yield* bench
        yield* write("web.yaml", yaml("web"))
        const intruded = yield* run(
          {},
          interfering(consul, (count) => (count === 0 ? put("web", "# mine\n") : Effect.void))
        )
        assert.deepStrictEqual([intruded.code, intruded.out], [1, ""])
        assert.match(intruded.err, /^Error: web .*--adopt takes it over/m)
        assert.strictEqual(yield* record("web"), "# mine\n")
      })
    )

    it.scopedLive("reads again and writes over what somebody did to its own record meanwhile", () =>
      Effect.gen(function* () {
        const { consul, put, record, sync: run, write } = yield* bench
        yield* write("web.yaml", yaml("web"))
        yield* run()
        yield* write("web.yaml", yaml("web", "v2"))
        const raced = yield* run(
          {},
          interfering(consul, (count) => (count < 2 ? put("web", `# ${count}\n`) : Effect.void))
        )
        assert.deepStrictEqual([raced.code, raced.out], [0, "restored web\n"])
        assert.strictEqual(yield* record("web"), yaml("web", "v2"))
      })
    )

    it.scopedLive("doesn't prune what somebody changes between its read and its write", () =>
      Effect.gen(function* () {
        const { consul, put, record, remove, sync: run, write } = yield* bench
        yield* write("web.yaml", yaml("web"))
        yield* write("api.yaml", yaml("api"))
        yield* run()
        yield* remove("web.yaml")
        const raced = yield* run(
          { prune: true },
          interfering(consul, () => put("web", "# mine\n"))
        )
        assert.deepStrictEqual([raced.code, raced.out], [0, "unchanged 1\n"])
        assert.match(raced.err, /^Warning: web has no file, but wasn't deleted/m)
        assert.strictEqual(yield* record("web"), "# mine\n")
      })
    )

    it.scopedLive("gives up on a record that is never still, names it, and writes the others", () =>
      Effect.gen(function* () {
        const { consul, put, sync: run, write } = yield* bench
        yield* write("web.yaml", yaml("web"))
        yield* run()
        yield* write("web.yaml", yaml("web", "v2"))
        yield* write("api.yaml", yaml("api"))
        const raced = yield* run(
          {},
          interfering(consul, (count) => put("web", `# ${count}\n`))
        )
        assert.deepStrictEqual([raced.code, raced.out], [1, "created api\n"])
        assert.match(raced.err, /^Error: web .*changed by others 5 times/m)
      })
    )

    it.scopedLive("lets one of two managers that want the same records have each of them", () =>
      Effect.gen(function* () {
        const one = yield* bench
        yield* writeMany(one, 0, 60)
        const same = (manager: string) => runSync(one.folder, { manager }, one.consul)
        const results = yield* Effect.all([same("one"), same("two")], { concurrency: 2 })
        const lines = results.flatMap(({ out }) => out.split("\n").filter((line) => line.startsWith("created")))
        assert.strictEqual(lines.length, 60)
        assert.strictEqual(new Set(lines).size, 60)
        const marks = yield* Effect.orDie(one.consul.list(keys.managed))
        for (const [index, manager] of ["one", "two"].entries()) {
          const owned = marks.value.filter(({ value }) =>
            Option.exists(Mark.decode(value), (mark) => mark.manager === manager)
          )
          const created = results[index]?.out.match(/^created/gm)?.length ?? 0
          assert.strictEqual(owned.length, created)
        }
        yield* assertWhole(one)
      })
    )

    it.scopedLive("writes 1,000 records in a few seconds, and finds them unchanged in less", () =>
      Effect.gen(function* () {
        const many = yield* bench
        yield* writeMany(many, 0, 1000)
        const [writing, wrote] = yield* Effect.timed(many.sync())
        assert.deepStrictEqual([wrote.code, wrote.out.match(/^created/gm)?.length], [0, 1000])
        const [reading, read] = yield* Effect.timed(many.sync())
        assert.strictEqual(read.out, "unchanged 1000\n")
        yield* assertWhole(many)
        assert.isBelow(Duration.toMillis(writing), 20_000)
        assert.isBelow(Duration.toMillis(reading), 10_000)
      })
    )
  })
}

const program = fileURLToPath(new URL("syncProcess.ts", import.meta.url))

/** Until it has said that it did something so often. */
const killAfter = (child: ChildProcess, lines: number): Promise<void> =>
  new Promise((resolve) => {
    let seen = 0
    child.stdout?.on("data", (data: Buffer) => {
      seen += data.toString().split("\n").length - 1
      if (seen >= lines) child.kill("SIGKILL")
    })
    child.once("exit", () => resolve())
  })

describe("sync that breaks off", () => {
  it.scopedLive(
    "was killed anywhere: no record is half there, and the next run completes it",
    () =>
      Effect.gen(function* () {
        const one = yield* embeddedBench
        yield* writeMany(one, 0, 400)
        const child = spawn(process.execPath, ["--import", "tsx", program, one.folder, one.address], {
          stdio: ["ignore", "pipe", "inherit"]
        })
        yield* Effect.promise(() => killAfter(child, 50))
        const written = (yield* one.names).length
        assert.isAtLeast(written, 50)
        assert.isBelow(written, 400)
        yield* assertWhole(one)

        const next = yield* one.sync({ prune: true })
        assert.strictEqual(next.code, 0)
        assert.strictEqual(next.out.match(/^created/gm)?.length, 400 - written)
        assert.include(next.out, `unchanged ${written}\n`)
        yield* assertWhole(one)
      }),
    60_000
  )

  it.scopedLive("loses Consul in the middle: says what isn't written, and ends with 5", () =>
    Effect.gen(function* () {
      const one = yield* embeddedBench
      yield* writeMany(one, 0, 40)
      let calls = 0
      const outage = new Unavailable({ system: "consul", operation: "txn", detail: "gone" })
      // The tenth is done, but nobody hears of it.
      const failing: Consul["Type"] = {
        ...one.consul,
        transaction: (ops, options) => {
          calls += 1
          if (calls === 10) return Effect.zipRight(one.consul.transaction(ops, options), Effect.fail(outage))
          return calls > 10 ? Effect.fail(outage) : one.consul.transaction(ops, options)
        }
      }
      const broken = yield* one.sync({}, failing)
      assert.strictEqual(broken.code, 5)
      const missing = broken.err.match(/^Error: .*: not written$/gm)?.length
      assert.strictEqual(broken.out.match(/^created/gm)?.length, 40 - (missing ?? 0))
      assert.match(
        broken.message,
        new RegExp(`gone; ${missing} records were not written, running this again completes it$`)
      )
      yield* assertWhole(one)
      const next = yield* one.sync()
      assert.strictEqual(next.out.match(/^created/gm)?.length, (missing ?? 0) - 1)
    })
  )

  it.scopedLive("can't reach the Consul of its environment: ends with 5, or 2 when that says nothing sensible", () =>
    Effect.gen(function* () {
      const { folder, write } = yield* embeddedBench
      yield* write("web.yaml", yaml("web"))
      const run = (environment: Readonly<Record<string, string>>) =>
        sync(folder, {}).pipe(
          Effect.provideService(Io, recordedIo({ environment }).io),
          Effect.provide(NodeContext.layer),
          Effect.either,
          Effect.map(Either.match({ onLeft: ({ exitCode, message }) => [exitCode, message], onRight: () => [0, ""] }))
        )
      const [code] = yield* run({ CONSUL_HTTP_ADDR: "127.0.0.1:1" })
      assert.strictEqual(code, 5)
      const [wrong, why] = yield* run({ CONSUL_HTTP_ADDR: "ftp://127.0.0.1" })
      assert.strictEqual(wrong, 2)
      assert.match(String(why), /CONSUL_HTTP_ADDR/)
      const [prefix, what] = yield* run({ CONSUL_KEY_PREFIX: "/a/" })
      assert.strictEqual(prefix, 2)
      assert.match(String(what), /^CONSUL_KEY_PREFIX must be a path/)
    })
  )
})
