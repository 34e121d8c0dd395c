import { assert, describe, it } from "@effect/vitest"
import { Chunk, Deferred, Effect, Fiber, Stream } from "effect"
import type { ServerResponse } from "node:http"
import { makeEndpoint } from "../../src/http/Transport.ts"
import { scriptedServer } from "../support/ScriptedServer.ts"

const get = { method: "GET", path: "/", timeout: "5 seconds" } as const

/** Polls, since the other end of a socket closes in its own time. */
const eventually = (what: string, holds: () => boolean) =>
  Effect.gen(function* () {
    for (let tries = 0; tries < 200; tries++) {
      if (holds()) return
      yield* Effect.sleep("10 millis")
    }
    assert.fail(what)
  })

const silent = () => {}

/** A body that goes on until nobody takes it any more. */
const endlessServer = scriptedServer((_, response) => {
  const more = setInterval(() => response.write("piece"), 5)
  response.on("close", () => clearInterval(more))
})

describe("Transport", () => {
  it.scopedLive("sends path, query, headers and body as given and returns the whole answer", () =>
    Effect.gen(function* () {
      const server = yield* scriptedServer((_, response) => {
        response.writeHead(201, { "X-Index": "7" })
        response.end("done")
      })
      const endpoint = yield* makeEndpoint({ origin: server.origin, headers: { "x-token": "t" } })
      const response = yield* endpoint.request({
        method: "PUT",
        path: "/v1/a%20b",
        query: { keys: true, left: undefined, separator: "/&", index: 3 },
        headers: { "x-own": "1" },
        body: new Uint8Array([104, 105]),
        timeout: "5 seconds"
      })
      assert.strictEqual(response.status, 201)
      assert.strictEqual(response.headers["x-index"], "7")
      assert.strictEqual(new TextDecoder().decode(response.body), "done")
      const [seen] = server.seen
      assert.strictEqual(seen?.method, "PUT")
      assert.strictEqual(seen?.url, "/v1/a%20b?keys&separator=%2F%26&index=3")
      assert.strictEqual(seen?.headers["x-token"], "t")
      assert.strictEqual(seen?.headers["x-own"], "1")
      assert.strictEqual(seen?.body, "hi")
    })
  )

  it.scopedLive("reuses connections", () =>
    Effect.gen(function* () {
      const server = yield* scriptedServer((_, response) => response.end("x"))
      const endpoint = yield* makeEndpoint({ origin: server.origin })
      yield* Effect.replicateEffect(endpoint.request(get), 50, { discard: true })
      // Two, since one is still finishing an answer when the next request comes.
      assert.isAtMost(server.openSockets(), 2)
    })
  )

  it.scopedLive("opens no more connections than it may, and more for those that wait for news", () =>
    Effect.gen(function* () {
      const held: Array<ServerResponse> = []
      const server = yield* scriptedServer((_, response) => void held.push(response))
      const endpoint = yield* makeEndpoint({ origin: server.origin, connections: 3 })
      const many = (request: typeof get & { readonly waits?: boolean }) =>
        Effect.forkScoped(
          Effect.all(
            Array.from({ length: 8 }, () => endpoint.request(request)),
            { concurrency: 8 }
          )
        )
      const quick = yield* many(get)
      yield* eventually("as many as may are asked", () => held.length === 3)
      yield* many({ ...get, waits: true })
      yield* eventually("those that wait are asked", () => held.length === 3 + 8)
      yield* Effect.sleep("50 millis")
      assert.strictEqual(server.openSockets(), 3 + 8)
      // Each answer is the next one's turn.
      for (let answered = 0; answered < 8; answered++) {
        yield* eventually("the next is asked", () => held.length > 0)
        const [first] = held.splice(0, 1)
        first?.end("x")
        // Those that wait came second, and go on to.
        if (answered === 2) held.splice(0, 8)
      }
      assert.lengthOf(yield* Fiber.join(quick), 8)
      assert.isAtMost(server.openSockets(), 3 + 8)
    })
  )

  it.scopedLive("closes the socket of a request that is interrupted before its answer", () =>
    Effect.gen(function* () {
      const server = yield* scriptedServer(silent)
      const endpoint = yield* makeEndpoint({ origin: server.origin })
      const fibers = yield* Effect.forEach([1, 2, 3], () => Effect.fork(endpoint.request(get)))
      yield* eventually("three requests arrive", () => server.seen.length === 3)
      assert.strictEqual(server.openSockets(), 3)
      yield* Fiber.interruptAll(fibers)
      yield* eventually("the sockets are closed", () => server.openSockets() === 0)
    })
  )

  it.scopedLive("closes the socket of a request that is interrupted in the middle of its body", () =>
    Effect.gen(function* () {
      const server = yield* scriptedServer((_, response) => response.write("half"))
      const endpoint = yield* makeEndpoint({ origin: server.origin })
      const fiber = yield* Effect.fork(endpoint.request(get))
      yield* eventually("the request arrives", () => server.seen.length === 1)
      yield* Effect.sleep("50 millis")
      yield* Fiber.interrupt(fiber)
      yield* eventually("the socket is closed", () => server.openSockets() === 0)
    })
  )

  it.scopedLive("fails at the deadline when the headers don't come, and closes the socket", () =>
    Effect.gen(function* () {
      const server = yield* scriptedServer(silent)
      const endpoint = yield* makeEndpoint({ origin: server.origin })
      const error = yield* Effect.flip(endpoint.request({ ...get, timeout: "100 millis" }))
      assert.deepStrictEqual([error.reason, error.detail], ["timeout", "no answer within 100ms"])
      yield* eventually("the socket is closed", () => server.openSockets() === 0)
    })
  )

  it.scopedLive("fails at the deadline when the body stops halfway", () =>
    Effect.gen(function* () {
      const server = yield* scriptedServer((_, response) => response.write("half"))
      const endpoint = yield* makeEndpoint({ origin: server.origin })
      const error = yield* Effect.flip(endpoint.request({ ...get, timeout: "100 millis" }))
      assert.strictEqual(error.reason, "timeout")
    })
  )

  const cuts: ReadonlyArray<readonly [string, (response: ServerResponse) => void]> = [
    ["before the headers", (response) => response.destroy()],
    [
      "in a body of known length",
      (response) => {
        response.writeHead(200, { "content-length": "100" })
        response.write("half", () => response.destroy())
      }
    ],
    ["in a chunked body", (response) => void response.write("half", () => response.destroy())]
  ]
  for (const [where, cut] of cuts) {
    it.scopedLive(`fails at once, not at its deadline, when the connection breaks ${where}`, () =>
      Effect.gen(function* () {
        const server = yield* scriptedServer((_, response) => cut(response))
        const endpoint = yield* makeEndpoint({ origin: server.origin })
        const error = yield* Effect.flip(endpoint.request(get))
        assert.strictEqual(error.reason, "broken")
      })
    )
  }

  it.scopedLive("tells a server that isn't there from one that breaks", () =>
    Effect.gen(function* () {
      const port = yield* Effect.scoped(Effect.map(scriptedServer(silent), (server) => server.port))
      const endpoint = yield* makeEndpoint({ origin: `http://127.0.0.1:${port}` })
      const error = yield* Effect.flip(endpoint.request(get))
      assert.strictEqual(error.reason, "connect")
    })
  )

  it.scopedLive("hands the pieces of a body over as they arrive, until it ends", () =>
    Effect.gen(function* () {
      const server = yield* scriptedServer((_, response) => {
        response.writeHead(203)
        response.write("one")
        setTimeout(() => response.end("two"), 50)
      })
      const endpoint = yield* makeEndpoint({ origin: server.origin })
      const seen: Array<string> = []
      yield* endpoint.consume(get, "5 seconds", (status) => (piece) => {
        seen.push(`${status} ${new TextDecoder().decode(piece)}`)
        return "more"
      })
      assert.deepStrictEqual(seen, ["203 one", "203 two"])
    })
  )

  it.scopedLive("hands no piece over after there were enough, and closes the socket", () =>
    Effect.gen(function* () {
      const server = yield* endlessServer
      const endpoint = yield* makeEndpoint({ origin: server.origin })
      let pieces = 0
      yield* endpoint.consume(get, "5 seconds", () => () => (++pieces < 2 ? "more" : "enough"))
      yield* eventually("the socket is closed", () => server.openSockets() === 0)
      assert.strictEqual(pieces, 2)
    })
  )

  it.scopedLive("gives up on a body that falls silent, and not on one that is slow", () =>
    Effect.gen(function* () {
      const server = yield* scriptedServer((_, response) => {
        for (const after of [10, 90, 170, 250]) setTimeout(() => response.write("piece"), after)
      })
      const endpoint = yield* makeEndpoint({ origin: server.origin })
      let pieces = 0
      const error = yield* Effect.flip(
        endpoint.consume(get, "200 millis", () => () => {
          pieces += 1
          return "more"
        })
      )
      assert.deepStrictEqual([error.reason, error.detail, pieces], ["timeout", "silent for 200ms", 4])
      yield* eventually("the socket is closed", () => server.openSockets() === 0)
    })
  )

  it.scopedLive("bounds the time of a whole body that is consumed", () =>
    Effect.gen(function* () {
      const server = yield* endlessServer
      const endpoint = yield* makeEndpoint({ origin: server.origin })
      const late = { ...get, timeout: "100 millis" } as const
      const error = yield* Effect.flip(endpoint.consume(late, "5 seconds", () => () => "more"))
      assert.deepStrictEqual([error.reason, error.detail], ["timeout", "no answer within 100ms"])
      yield* eventually("the socket is closed", () => server.openSockets() === 0)
    })
  )

  it.scopedLive("fails what is consumed when the connection breaks, and closes it when nobody wants it any more", () =>
    Effect.gen(function* () {
      const server = yield* scriptedServer((_, response) => {
        response.write("half", () => (server.seen.length === 1 ? response.destroy() : undefined))
      })
      const endpoint = yield* makeEndpoint({ origin: server.origin })
      const consume = endpoint.consume(get, "5 seconds", () => () => "more")
      assert.strictEqual((yield* Effect.flip(consume)).reason, "broken")
      const fiber = yield* Effect.fork(consume)
      yield* eventually("it is asked again", () => server.seen.length === 2)
      yield* Effect.sleep("20 millis")
      yield* Fiber.interrupt(fiber)
      yield* eventually("the socket is closed", () => server.openSockets() === 0)
    })
  )

  it.scopedLive("streams a body as it arrives and ends with it", () =>
    Effect.gen(function* () {
      const server = yield* scriptedServer((_, response) => {
        response.write("one")
        setTimeout(() => response.end("two"), 50)
      })
      const endpoint = yield* makeEndpoint({ origin: server.origin })
      const { body, status } = yield* endpoint.stream(get, "5 seconds")
      const chunks = yield* Stream.runCollect(body)
      assert.strictEqual(status, 200)
      assert.strictEqual(
        Chunk.toReadonlyArray(chunks)
          .map((chunk) => new TextDecoder().decode(chunk))
          .join("|"),
        "one|two"
      )
    })
  )

  it.scopedLive("ends a stream that falls silent", () =>
    Effect.gen(function* () {
      const server = yield* scriptedServer((_, response) => response.write("one"))
      const endpoint = yield* makeEndpoint({ origin: server.origin })
      const { body } = yield* endpoint.stream(get, "100 millis")
      const error = yield* Effect.flip(Stream.runDrain(body))
      assert.deepStrictEqual([error.reason, error.detail], ["timeout", "silent for 100ms"])
    })
  )

  it.scopedLive("fails a stream whose connection breaks", () =>
    Effect.gen(function* () {
      const server = yield* scriptedServer((_, response) => response.write("one", () => response.destroy()))
      const endpoint = yield* makeEndpoint({ origin: server.origin })
      const { body } = yield* endpoint.stream(get, "5 seconds")
      const error = yield* Effect.flip(Stream.runDrain(body))
      assert.strictEqual(error.reason, "broken")
    })
  )

  it.scopedLive("closes a stream's socket with its scope, read or not", () =>
    Effect.gen(function* () {
      const server = yield* scriptedServer((_, response) => response.write("one"))
      const endpoint = yield* makeEndpoint({ origin: server.origin })
      yield* Effect.scoped(Effect.flatMap(endpoint.stream(get, "5 seconds"), ({ body }) => Stream.runHead(body)))
      yield* Effect.scoped(endpoint.stream(get, "5 seconds"))
      yield* eventually("the sockets are closed", () => server.openSockets() === 0)
    })
  )

  it.scopedLive("closes a stream's socket when its waiting reader is interrupted", () =>
    Effect.gen(function* () {
      const server = yield* scriptedServer((_, response) => response.write("one"))
      const endpoint = yield* makeEndpoint({ origin: server.origin })
      const received = yield* Deferred.make<void>()
      const reader = yield* Effect.scoped(
        Effect.flatMap(endpoint.stream(get, "5 seconds"), ({ body }) =>
          Stream.runForEach(body, () => Deferred.succeed(received, undefined))
        )
      ).pipe(Effect.fork)
      yield* Deferred.await(received)
      yield* Fiber.interrupt(reader)
      yield* eventually("the socket is closed", () => server.openSockets() === 0)
    })
  )

  it.scopedLive("closes a stream's socket when no headers come in time", () =>
    Effect.gen(function* () {
      const server = yield* scriptedServer(silent)
      const endpoint = yield* makeEndpoint({ origin: server.origin })
      const error = yield* Effect.flip(Effect.scoped(endpoint.stream({ ...get, timeout: "100 millis" }, "5 seconds")))
      assert.strictEqual(error.reason, "timeout")
      yield* eventually("the socket is closed", () => server.openSockets() === 0)
    })
  )

  it.scopedLive("closes idle connections with the endpoint's scope", () =>
    Effect.gen(function* () {
      const server = yield* scriptedServer((_, response) => response.end("x"))
      yield* Effect.scoped(Effect.flatMap(makeEndpoint({ origin: server.origin }), (endpoint) => endpoint.request(get)))
      yield* eventually("the socket is closed", () => server.openSockets() === 0)
    })
  )
})
