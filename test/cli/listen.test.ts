import { connect } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Schedule } from "effect"
import { freePort } from "../support/freePort.ts"
import { setStage } from "../zoo/support/Stage.ts"

/** Each of the service's ports, by the words that name it to who finds it taken. */
const settings = {
  "SERVER_PORT, or --port with dev": "SERVER_PORT",
  HEALTH_PORT: "HEALTH_PORT",
  "METRICS_PORT; 0 for none": "METRICS_PORT"
} as const

/** A service with all its ports open, by the setting that names them. */
const opened = Effect.gen(function* () {
  const stage = yield* setStage
  const ports = { SERVER_PORT: yield* freePort, HEALTH_PORT: yield* freePort, METRICS_PORT: yield* freePort }
  const environment = Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, String(port)]))
  yield* stage.serve({ environment })
  yield* Effect.forEach(Object.values(ports), (port) =>
    Effect.retry(
      Effect.tryPromise((signal) => fetch(`http://127.0.0.1:${port}/`, { signal })),
      Schedule.intersect(Schedule.spaced("50 millis"), Schedule.recurs(400))
    )
  )
  return { stage, ports }
})

/** What a client that says this, and no more, hears until its connection is closed. */
const heardBy = (port: number, says: string) =>
  Effect.async<string>((resume) => {
    const socket = connect(port, "127.0.0.1")
    let heard = ""
    socket.on("data", (bytes) => {
      heard += bytes.toString()
    })
    socket.on("error", () => {})
    socket.on("close", () => resume(Effect.succeed(heard)))
    if (says !== "") socket.write(says)
    return Effect.sync(() => socket.destroy())
  }).pipe(Effect.timeoutOption("20 seconds"), Effect.flatten)

describe("every port of the service", () => {
  it.scopedLive(
    "closes the connections of clients that send their headers slowly, or nothing, and refuses too large ones",
    () =>
      Effect.gen(function* () {
        const { ports } = yield* opened
        yield* Effect.forEach(
          Object.entries(ports),
          ([name, port]) =>
            Effect.gen(function* () {
              const [slow, silent, large] = yield* Effect.all(
                [
                  heardBy(port, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n"),
                  heardBy(port, ""),
                  heardBy(port, `GET /ready HTTP/1.1\r\nHost: localhost\r\nX-Large: ${"x".repeat(20_000)}\r\n\r\n`)
                ],
                { concurrency: 3 }
              )
              assert.match(slow, /^HTTP\/1\.1 408 /, name)
              assert.match(silent, /^(?:$|HTTP\/1\.1 408 )/, name)
              assert.match(large, /^HTTP\/1\.1 431 /, name)
            }),
          { concurrency: 3 }
        )
      }),
    30_000
  )

  it.scopedLive("says how long it keeps a connection on which nothing more is asked", () =>
    Effect.gen(function* () {
      const { ports } = yield* opened
      for (const [name, port] of Object.entries(ports)) {
        const { headers } = yield* Effect.tryPromise((signal) => fetch(`http://127.0.0.1:${port}/`, { signal }))
        assert.strictEqual(headers.get("keep-alive"), "timeout=65", name)
      }
    })
  )

  it.scopedLive.each(Object.entries(settings))("that is taken is named by its setting: %s", ([words, setting]) =>
    Effect.gen(function* () {
      const { ports, stage } = yield* opened
      const port = ports[setting]
      const second = yield* stage.serve({ ends: true, environment: { [setting]: String(port) } })
      const exit = yield* Fiber.await(second)
      assert.include(
        Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "",
        `cannot listen on 127.0.0.1:${port}: the port is taken; choose another port (${words})`
      )
    })
  )
})
