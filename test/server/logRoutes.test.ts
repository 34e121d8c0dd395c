import { connect } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Scope } from "effect"
import { eventually } from "../support/eventually.ts"
import { decodeEnd, decodeEvent, openSocket, readAnswer } from "./logClients.ts"
import { serveLogs } from "./logDesk.ts"
import { attemptOf, jobId, type LogWorld, logWorld } from "./logWorld.ts"

const build = attemptOf("build-1")

const over = (world: LogWorld) => world.set((status) => ({ ...status, status: "SUCCEEDED" }))

const finished = Effect.gen(function* () {
  const world = yield* logWorld([build])
  world.write("allocbuild-1", "stdout", "one\ntwo\n")
  world.write("allocbuild-1", "stderr", "three\n")
  yield* world.end("build-1")
  yield* over(world)
  return world
})

const finishedMessages = ["[main/stdout] one", "[main/stdout] two", "[main/stderr] three"]

describe("streamLogs", () => {
  it.scopedLive.each(["/json/streamLogs", "/mcp/streamLogs"])("%s refuses before it upgrades", (path) =>
    Effect.gen(function* () {
      const address = yield* serveLogs(yield* finished)
      const refused = (query: string) => Effect.flip(openSocket(`ws://${address}${path}${query}`))
      const missing = yield* refused("")
      assert.strictEqual(missing.status, 400)
      assert.match(missing.type, /^text\/plain/)
      assert.strictEqual(missing.body.trim(), "job_id parameter required")
      const unknown = yield* refused("?job_id=nobody")
      assert.strictEqual(unknown.status, 404)
      assert.deepInclude(JSON.parse(unknown.body), {
        error: "Job not found",
        code: 404,
        details: "job not found: nobody"
      })
      const strange = yield* refused(`?job_id=${jobId}&from=nonsense%20`)
      assert.strictEqual(strange.status, 400)
      assert.include(strange.body, "from is no cursor")
      assert.strictEqual((yield* refused(`?job_id=${jobId}&job_id=${jobId}`)).status, 400)
      const plain = yield* readAnswer(`http://${address}${path}?job_id=${jobId}`)
      assert.strictEqual(plain.status, 426)
    })
  )

  it.scopedLive("sends the lines of a job that is over, from the archive, and closes with the reason", () =>
    Effect.gen(function* () {
      const address = yield* serveLogs(yield* finished)
      const reader = yield* openSocket(`ws://${address}/json/streamLogs?job_id=${jobId}`)
      assert.deepStrictEqual(yield* reader.closed, { code: 1000, reason: "succeeded" })
      assert.deepStrictEqual(
        reader.frames.map(({ message }) => message),
        finishedMessages
      )
      const [first] = reader.frames
      assert.deepInclude(first, {
        job_id: jobId,
        phase: "build",
        level: "INFO",
        attempt: 1,
        stream: "stdout",
        offset: 0
      })
      assert.match(first?.timestamp ?? "", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    })
  )

  it.scopedLive("goes on behind the line whose cursor it is given", () =>
    Effect.gen(function* () {
      const address = yield* serveLogs(yield* finished)
      const url = `ws://${address}/jobs/${jobId}/logs/stream`
      const whole = yield* openSocket(url)
      yield* whole.closed
      for (const [at, { cursor }] of whole.frames.entries()) {
        const rest = yield* openSocket(`${url}?from=${cursor}`)
        yield* rest.closed
        assert.deepStrictEqual(
          rest.frames.map(({ message }) => message),
          finishedMessages.slice(at + 1)
        )
      }
    })
  )

  it.scopedLive("sends lines as they are written, and lets go of Nomad when the client leaves", () =>
    Effect.gen(function* () {
      const world = yield* logWorld([build])
      world.write("allocbuild-1", "stdout", "")
      world.write("allocbuild-1", "stderr", "")
      const address = yield* serveLogs(world)
      const reader = yield* openSocket(`ws://${address}/json/streamLogs?job_id=${jobId}`)
      yield* eventually(
        "both streams are followed",
        Effect.sync(() => world.following === 2)
      )
      world.write("allocbuild-1", "stdout", "live\n")
      yield* eventually(
        "the line came",
        Effect.sync(() => reader.frames.length === 1)
      )
      reader.socket.close()
      yield* eventually(
        "nothing is followed",
        Effect.sync(() => world.following === 0)
      )
      const rude = yield* openSocket(`ws://${address}/json/streamLogs?job_id=${jobId}`)
      yield* eventually(
        "both streams are followed",
        Effect.sync(() => world.following === 2)
      )
      rude.socket.terminate()
      yield* eventually(
        "nothing is followed",
        Effect.sync(() => world.following === 0)
      )
    })
  )

  it.scopedLive("answers a handshake that is none", () =>
    Effect.gen(function* () {
      const world = yield* finished
      const address = yield* serveLogs(world)
      const answer = yield* Effect.async<string>((resume) => {
        const socket = connect({ host: "127.0.0.1", port: Number(address.split(":")[1]) })
        let received = ""
        socket.on("data", (chunk: Buffer) => (received += chunk.toString()))
        socket.on("close", () => resume(Effect.succeed(received)))
        socket.write(
          `GET /json/streamLogs?job_id=${jobId} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n`
        )
      })
      assert.match(answer, /^HTTP\/1\.1 400 /)
      // And it is no trouble to others.
      const reader = yield* openSocket(`ws://${address}/json/streamLogs?job_id=${jobId}`)
      yield* reader.closed
      assert.lengthOf(reader.frames, 3)
    })
  )

  it.scopedLive("ignores what the client sends, and closes on more than it could have to say", () =>
    Effect.gen(function* () {
      const world = yield* logWorld([build])
      const address = yield* serveLogs(world)
      const reader = yield* openSocket(`ws://${address}/json/streamLogs?job_id=${jobId}`)
      reader.socket.send("hello")
      reader.socket.send(Buffer.alloc(1000))
      yield* Effect.sleep("50 millis")
      assert.strictEqual(reader.socket.readyState, reader.socket.OPEN)
      reader.socket.send(Buffer.alloc(100_000))
      assert.strictEqual((yield* reader.closed).code, 1009)
    })
  )
})

describe("an event stream of a job's log", () => {
  it.scopedLive.each(["/json/job", "/mcp/job", "/jobs"])(
    "%s/{id}/logs/stream has lines with ids, and a last event",
    (path) =>
      Effect.gen(function* () {
        const address = yield* serveLogs(yield* finished)
        const url = `http://${address}${path}/${jobId}/logs/stream`
        const reader = yield* readAnswer(url)
        yield* reader.ended
        assert.strictEqual(reader.status, 200)
        assert.match(String(reader.headers["content-type"]), /^text\/event-stream/)
        const lines = reader.events.slice(0, -1)
        assert.deepStrictEqual(
          lines.map(({ data }) => decodeEvent(data).message),
          finishedMessages
        )
        for (const { data, event, id } of lines) {
          assert.strictEqual(event, "")
          assert.strictEqual(decodeEvent(data).cursor, id)
        }
        const last = reader.events.at(-1)
        assert.strictEqual(last?.event, "end")
        assert.deepStrictEqual(decodeEnd(last?.data ?? ""), {
          job_id: jobId,
          reason: "succeeded",
          status: "SUCCEEDED",
          cursor: last?.id ?? ""
        })
        for (const [at, { id }] of lines.entries()) {
          // The header is newer than the address that a browser connects to again.
          const rest = yield* readAnswer(`${url}?from=${lines[0]?.id}`, { "last-event-id": id })
          yield* rest.ended
          assert.deepStrictEqual(
            rest.events.slice(0, -1).map(({ data }) => decodeEvent(data).message),
            finishedMessages.slice(at + 1)
          )
        }
        assert.strictEqual((yield* readAnswer(url, { "last-event-id": last?.id ?? "" })).status, 204)
      })
  )

  it.scopedLive("begins at once, and refuses what it doesn't know", () =>
    Effect.gen(function* () {
      const world = yield* logWorld([])
      const address = yield* serveLogs(world)
      const reader = yield* readAnswer(`http://${address}/json/job/${jobId}/logs/stream`)
      yield* eventually(
        "the first bytes came",
        Effect.sync(() => reader.comments.length === 1)
      )
      const unknown = yield* readAnswer(`http://${address}/json/job/nobody/logs/stream`)
      yield* unknown.ended
      assert.strictEqual(unknown.status, 404)
      assert.include(unknown.body(), "job not found: nobody")
      const strange = yield* readAnswer(`http://${address}/json/job/${jobId}/logs/stream`, { "last-event-id": "7" })
      yield* strange.ended
      assert.strictEqual(strange.status, 400)
      assert.include(strange.body(), "Last-Event-ID is no cursor")
    })
  )
})

describe("raw logs", () => {
  it.scopedLive("are text as it was written", () =>
    Effect.gen(function* () {
      const address = yield* serveLogs(yield* finished)
      const url = `http://${address}/json/job/${jobId}/logs/raw`
      const one = yield* readAnswer(`${url}?stream=stdout`)
      yield* one.ended
      assert.strictEqual(one.body(), "one\ntwo\n")
      assert.match(String(one.headers["content-type"]), /^text\/plain/)
      const refused = yield* readAnswer(`${url}?tail=5`)
      yield* refused.ended
      assert.deepStrictEqual([refused.status, refused.body().includes("tail: not for raw logs")], [400, true])
      const misspelt = yield* readAnswer(`${url}?phase=deploy`)
      yield* misspelt.ended
      assert.deepStrictEqual(
        [misspelt.status, misspelt.body().includes("phase must be build, test or publish")],
        [400, true]
      )
    })
  )
})

describe("a service that stops", () => {
  it.scopedLive("ends open streams with the reason, within a second", () =>
    Effect.gen(function* () {
      const world = yield* logWorld([build])
      world.write("allocbuild-1", "stdout", "one\n")
      world.write("allocbuild-1", "stderr", "")
      const scope = yield* Scope.make()
      const address = yield* Scope.extend(serveLogs(world), scope)
      const socket = yield* openSocket(`ws://${address}/json/streamLogs?job_id=${jobId}`)
      const events = yield* readAnswer(`http://${address}/json/job/${jobId}/logs/stream`)
      yield* eventually(
        "both have the line",
        Effect.sync(() => socket.frames.length + events.events.length === 2)
      )
      // One who answers nothing any more.
      const silent = yield* openSocket(`ws://${address}/json/streamLogs?job_id=${jobId}`)
      silent.socket.pause()
      const [taken] = yield* Effect.timed(Scope.close(scope, Exit.void))
      // A second, and what a busy machine adds.
      assert.isBelow(Duration.toMillis(taken), 1500)
      assert.deepStrictEqual(yield* socket.closed, { code: 1001, reason: "shutdown" })
      yield* events.ended
      const last = decodeEnd(events.events.at(-1)?.data ?? "")
      assert.strictEqual(last.reason, "shutdown")
      // Another replica goes on from there.
      assert.strictEqual(last.cursor, events.events[0]?.id)
      assert.strictEqual(world.following, 0)
    })
  )
})
