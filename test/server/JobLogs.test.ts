import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Random } from "effect"
import { Nomad } from "../../src/nomad/Nomad.ts"
import { serveHttp } from "../../src/server/httpServer.ts"
import { JobLogs } from "../../src/server/JobLogs.ts"
import { Jobs } from "../../src/server/Jobs.ts"
import { Limits } from "../../src/server/Limits.ts"
import { logRoutes } from "../../src/server/logRoutes.ts"
import { LogArchive } from "../../src/store/LogArchive.ts"
import { eventually } from "../support/eventually.ts"
import { record, setStageWith, type Stage, withTests } from "../zoo/support/Stage.ts"
import { deskOf, keys } from "./deskOf.ts"
import { decodeEnd, decodeEvent, openSocket, readAnswer } from "./logClients.ts"
import { talkingDriver, type Written } from "./talkingDriver.ts"

/** A replica that doesn't lead, and where it listens. */
const replica = Effect.fnUntraced(function* ({ consul, nomad }: Stage) {
  const desk = deskOf(consul)
  const archive = LogArchive.layer(keys).pipe(Layer.provide(desk))
  const logs = JobLogs.layer.pipe(
    Layer.provide(Layer.mergeAll(desk, archive, Layer.succeed(Nomad, nomad))),
    Layer.provideMerge(Layer.provideMerge(Limits.layer, desk))
  )
  const context = yield* Layer.build(logs)
  const port = yield* serveHttp(Effect.provide(logRoutes, context), { host: "127.0.0.1", port: 0 })
  return { address: `127.0.0.1:${port}`, context }
})

/** Lines in both streams, some of them blank, some long, and a last one without its end. */
const chatter = (say: (stream: "stdout" | "stderr", text: string) => void) =>
  Effect.gen(function* () {
    for (let at = 0; at < 60; at++) {
      const stream = (yield* Random.nextBoolean) ? "stdout" : "stderr"
      const long = (yield* Random.nextIntBetween(0, 10)) === 0 ? " and so on…".repeat(900) : ""
      say(stream, `${at} — ${stream}${long}\n${at % 7 === 0 ? "\n" : ""}`)
      yield* Effect.sleep(yield* Random.nextIntBetween(0, 8))
    }
    say("stdout", "the last\nhalf of a line")
  })

const messages = (written: Written, stream: string) =>
  Buffer.concat(written.get(stream) ?? [])
    .toString()
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => `[main/${stream.split(" ")[1]}] ${line}`)

const grouped = (
  lines: ReadonlyArray<{ readonly nomad_job_id: string; readonly stream: string; readonly message: string }>
) => {
  const groups: Record<string, Array<string>> = {}
  for (const { message, nomad_job_id: id, stream } of lines) (groups[`${id} ${stream}`] ??= []).push(message)
  return groups
}

/** All that a job's steps wrote, but for the controller's own. */
const expected = (written: Written) =>
  Object.fromEntries(
    [...written.keys()].filter((key) => !key.startsWith("cleanup-")).map((key) => [key, messages(written, key)])
  )

describe("a job's logs beside the whole service", () => {
  it.scopedLive("are followed from before it begins to its end, and are the same afterwards from the archive", () =>
    Effect.gen(function* () {
      const written: Written = new Map()
      const stage = yield* setStageWith(talkingDriver(written, chatter))
      const { address, context } = yield* replica(stage)
      yield* stage.put("app", record("app", withTests))
      // Nobody leads yet, so nobody has given it a status.
      const live = yield* openSocket(`ws://${address}/json/streamLogs?job_id=app`)
      yield* stage.serve()
      assert.deepStrictEqual(yield* live.closed, { code: 1000, reason: "succeeded" })
      assert.deepStrictEqual(grouped(live.frames), expected(written))
      assert.lengthOf(Object.keys(expected(written)), 10)
      const phases = live.frames.map(({ phase }) => phase)
      assert.deepStrictEqual(
        phases,
        phases.toSorted((a, b) => ["build", "test", "publish"].indexOf(a) - ["build", "test", "publish"].indexOf(b))
      )

      const later = yield* readAnswer(`http://${address}/json/job/app/logs/stream`)
      yield* later.ended
      const events = later.events.slice(0, -1).map(({ data }) => decodeEvent(data))
      assert.deepStrictEqual(grouped(events), expected(written))
      assert.strictEqual(decodeEnd(later.events.at(-1)?.data ?? "").reason, "succeeded")

      const lines = yield* Effect.gen(function* () {
        const found = yield* (yield* Jobs).find("app")
        return yield* (yield* JobLogs).read(found, {})
      }).pipe(Effect.provide(context))
      const build = [...written.keys()].find((key) => key.startsWith("build-")) ?? ""
      const buildId = build.split(" ")[0] ?? ""
      assert.deepStrictEqual(lines.build, [
        ...messages(written, `${buildId} stdout`),
        ...messages(written, `${buildId} stderr`)
      ])
      assert.lengthOf(
        lines.test.filter((line) => line.startsWith("=== Test Job ")),
        3
      )

      const raw = yield* readAnswer(`http://${address}/json/job/app/logs/raw?phase=build&stream=stderr`)
      yield* raw.ended
      assert.strictEqual(raw.body(), Buffer.concat(written.get(`${buildId} stderr`) ?? []).toString())
    })
  )

  it.scopedLive("lose and double nothing for a reader who goes from replica to replica", () =>
    Effect.gen(function* () {
      const written: Written = new Map()
      const stage = yield* setStageWith(talkingDriver(written, chatter))
      const replicas = [yield* replica(stage), yield* replica(stage)]
      yield* stage.serve()
      const submitted = yield* Effect.flatMap(Jobs, (jobs) => jobs.submit(record("app", withTests))).pipe(
        Effect.provide(replicas[0]?.context ?? assert.fail())
      )
      const lines: Array<ReturnType<typeof decodeEvent>> = []
      let cursor = ""
      let sittings = 0
      for (let ended = false; !ended; sittings++) {
        const { address } = replicas[sittings % 2] ?? assert.fail()
        const reader = yield* readAnswer(
          `http://${address}/json/job/${submitted.jobId}/logs/stream`,
          cursor === "" ? {} : { "last-event-id": cursor }
        )
        assert.strictEqual(reader.status, 200)
        const most = yield* Random.nextIntBetween(1, 80)
        yield* eventually(
          "there is something new",
          Effect.sync(() => reader.events.length >= most || reader.events.at(-1)?.event === "end")
        )
        yield* reader.abort
        // What came after the last look was had as well.
        const had = [...reader.events]
        ended = had.at(-1)?.event === "end"
        cursor = had.at(-1)?.id ?? cursor
        lines.push(...had.filter(({ event }) => event === "").map(({ data }) => decodeEvent(data)))
      }
      assert.isAbove(sittings, 3)
      assert.deepStrictEqual(grouped(lines), expected(written))
    })
  )
})
