import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { WebSocket } from "ws"
import { alone, ended, field, namesOf, slow, staged, submitted, time } from "../server/httpScenes.ts"
import type { HttpDesk } from "../server/httpDesk.ts"
import { openSocket } from "../server/logClients.ts"
import { eventually } from "../support/eventually.ts"
import { record } from "../zoo/support/Stage.ts"

const socketUrl = ({ url }: HttpDesk, path: string): string => `${url.replace("http:", "ws:")}${path}`

for (const path of ["/json/streamLogs", "/mcp/streamLogs"]) {
  describe(`the interface's section 2.5 at ${path}`, () => {
    it.scopedLive("2.5: without job_id it answers 400 in text: job_id parameter required", () =>
      alone((desk) =>
        Effect.gen(function* () {
          const refused = yield* Effect.flip(openSocket(socketUrl(desk, path)))
          assert.deepStrictEqual([refused.status, refused.body.trim()], [400, "job_id parameter required"])
          assert.match(refused.type, /^text\/plain/)
        })
      )
    )

    it.scopedLive("2.5: an unknown job answers 404 before the upgrade", () =>
      alone((desk) =>
        Effect.gen(function* () {
          const refused = yield* Effect.flip(openSocket(socketUrl(desk, `${path}?job_id=nobody`)))
          assert.strictEqual(refused.status, 404)
          assert.deepInclude(JSON.parse(refused.body), { error: "Job not found", details: "job not found: nobody" })
        })
      )
    )

    it.scopedLive("2.5: a finished job's stored lines are replayed from the start, then closed with a reason", () =>
      staged((desk) =>
        Effect.gen(function* () {
          const id = yield* ended(desk, record("app", { test: { entry_point: true } }))
          const reader = yield* openSocket(socketUrl(desk, `${path}?job_id=${id}`))
          assert.deepStrictEqual(yield* reader.closed, { code: 1000, reason: "succeeded" })
          const steps = [`build-${id}-1`, `test-entry-${id}-1`, `publish-${id}-1`]
          assert.deepStrictEqual(
            reader.frames.map(({ message }) => message),
            steps.flatMap((step) => [`[main/stdout] ${step} begins`, `[main/stdout] ${step} ends`])
          )
          assert.deepStrictEqual(
            reader.frames.map(({ phase }) => phase),
            ["build", "build", "test", "test", "publish", "publish"]
          )
        })
      )
    )

    it.scopedLive("2.5: a frame is one line with job_id, phase, timestamp, level INFO and message, in this order", () =>
      staged((desk) =>
        Effect.gen(function* () {
          const id = yield* ended(desk, record("app"))
          const frame: unknown = yield* Effect.async<unknown>((resume) => {
            const socket = new WebSocket(socketUrl(desk, `${path}?job_id=${id}`))
            socket.once("message", (data: Buffer, isBinary) => {
              socket.terminate()
              resume(Effect.succeed(isBinary ? undefined : JSON.parse(data.toString())))
            })
          })
          const first = ["job_id", "phase", "timestamp", "level", "message"]
          assert.deepStrictEqual(namesOf(frame).slice(0, first.length), first)
          assert.deepStrictEqual(
            [field(frame, "job_id"), field(frame, "phase"), field(frame, "level")],
            [id, "build", "INFO"]
          )
          assert.match(String(field(frame, "timestamp")), time)
        })
      )
    )

    it.scopedLive("2.5: a running job's lines come as they are written, and the close says that it was killed", () =>
      staged((desk) =>
        Effect.gen(function* () {
          const id = yield* submitted(desk, slow)
          const reader = yield* openSocket(socketUrl(desk, `${path}?job_id=${id}`))
          yield* eventually(
            "the first line came",
            Effect.sync(() => reader.frames.some(({ message }) => message === `[main/stdout] build-${id}-1 begins`))
          )
          assert.strictEqual(reader.socket.readyState, reader.socket.OPEN)
          yield* desk.post("/json/killJob", { job_id: id })
          assert.deepStrictEqual(yield* reader.closed, { code: 1000, reason: "cancelled" })
        })
      )
    )

    it.scopedLive("2.5: any Origin is accepted where the service listens on more than loopback", () =>
      alone(
        (desk) =>
          Effect.gen(function* () {
            const id = yield* submitted(desk, slow)
            const opened = yield* Effect.async<boolean>((resume) => {
              const socket = new WebSocket(socketUrl(desk, `${path}?job_id=${id}`), {
                origin: "https://elsewhere.example"
              })
              socket.once("open", () => {
                socket.terminate()
                resume(Effect.succeed(true))
              })
              socket.once("error", () => resume(Effect.succeed(false)))
            })
            assert.isTrue(opened)
          }),
        { host: "0.0.0.0" }
      )
    )
  })
}
