import { connect } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Scope, TestClock, TestServices } from "effect"
import { type ClientOptions, WebSocket } from "ws"
import { eventually } from "../support/eventually.ts"
import { serveLogs } from "./logDesk.ts"
import { attemptOf, jobId, type LogWorld, logWorld, NomadLog } from "./logWorld.ts"

const build = attemptOf("build-1")

/** 200 MB of lines that nobody has to hold. */
class EndlessLog extends NomadLog {
  private readonly page = Buffer.from(`${"x".repeat(1023)}\n`.repeat(64))
  private readonly pages = 3200

  override place() {
    return { number: 0, at: 0 }
  }

  override next({ at }: { readonly at: number }) {
    if (at >= this.pages * this.page.length) return undefined
    return { frame: { data: this.page }, number: 0, at: at + this.page.length }
  }
}

const endless = Effect.gen(function* () {
  const world = yield* logWorld([build])
  world.logs.set("allocbuild-1 stdout", new EndlessLog())
  world.write("allocbuild-1", "stderr", "")
  return world
})

/** The most that the process grew by while this many milliseconds passed. */
const growth = Effect.fnUntraced(function* (millis: number) {
  const before = process.memoryUsage.rss()
  let most = before
  for (let waited = 0; waited < millis; waited += 50) {
    yield* Effect.sleep(50)
    most = Math.max(most, process.memoryUsage.rss())
  }
  return most - before
})

describe("a reader that takes nothing", () => {
  const requests = {
    "a WebSocket": `GET /json/streamLogs?job_id=${jobId} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
    "an event stream": `GET /json/job/${jobId}/logs/stream HTTP/1.1\r\nHost: x\r\n\r\n`
  }

  it.scopedLive.each(["a WebSocket", "an event stream"] as const)("of %s holds no memory, and can go on", (kind) =>
    Effect.gen(function* () {
      const world = yield* endless
      const address = yield* serveLogs(world)
      const socket = yield* Effect.acquireRelease(
        Effect.sync(() => connect({ host: "127.0.0.1", port: Number(address.split(":")[1]) })),
        (open) => Effect.sync(() => open.destroy())
      )
      let received = 0
      socket.on("error", () => {})
      socket.on("data", (chunk: Buffer) => (received += chunk.length))
      // What compiles and warms up is not what is measured.
      socket.write(requests[kind])
      yield* eventually(
        "it has begun",
        Effect.sync(() => received > 3_000_000)
      )
      socket.pause()
      const grown = yield* growth(4000)
      const fetched = world.read
      yield* Effect.sleep("500 millis")
      assert.strictEqual(world.read, fetched, "nothing more is asked of Nomad")
      assert.isBelow(grown, 30 * 1024 * 1024)
      socket.resume()
      const before = received
      yield* eventually(
        "it goes on",
        Effect.sync(() => received > before + 20_000_000)
      )
    })
  )
})

/** Follows the endless log until so much of it has come, then reads nothing more. */
const stalled = Effect.fnUntraced(function* (address: string) {
  let received = 0
  const closed = { code: 0, reason: "" }
  const socket = yield* client(`ws://${address}/json/streamLogs?job_id=${jobId}`)
  socket.on("message", (data: Buffer) => (received += data.length))
  socket.on("close", (code, reason) => Object.assign(closed, { code, reason: reason.toString() }))
  yield* inTime("it has begun", () => received > 3_000_000)
  socket.pause()
  return { socket, closed }
})

/** Opened by the test's end at the latest. */
const client = (url: string, options: ClientOptions = {}): Effect.Effect<WebSocket, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => new WebSocket(url, options).on("error", () => {})),
    (socket) => Effect.sync(() => socket.terminate())
  )

/** In the time of the sockets, which isn't the service's here. */
const inTime = (what: string, holds: () => boolean) => TestServices.provideLive(eventually(what, Effect.sync(holds)))

/** Until nothing more is asked of Nomad, since nobody takes it. */
const untilStill = (world: LogWorld) =>
  Effect.iterate(
    { before: -1, now: world.read },
    {
      while: ({ before, now }) => before !== now,
      body: ({ now }) =>
        Effect.delay(
          Effect.sync(() => ({ before: now, now: world.read })),
          "300 millis"
        )
    }
  ).pipe(TestServices.provideLive)

/** The other stream would look for more every few milliseconds, of a minute that is over at once. */
const oneStream = Effect.tap(endless, (world) => Effect.sync(() => world.logs.delete("allocbuild-1 stderr")))

describe("a WebSocket whose reader", () => {
  it.scoped("takes nothing for a minute is closed, with a reason that it can read later", () =>
    Effect.gen(function* () {
      const world = yield* oneStream
      const { closed, socket } = yield* stalled(yield* serveLogs(world))
      yield* untilStill(world)
      yield* TestClock.adjust("59 seconds")
      assert.strictEqual(world.following, 1)
      yield* TestClock.adjust("1 second")
      socket.resume()
      yield* inTime("it is closed", () => closed.code !== 0)
      assert.deepStrictEqual(closed, { code: 1008, reason: "slow reader" })
      yield* inTime("nothing is followed", () => world.following === 0)
    })
  )

  it.scoped("takes nothing at all any more is cut off", () =>
    Effect.gen(function* () {
      const world = yield* oneStream
      const { closed, socket } = yield* stalled(yield* serveLogs(world))
      yield* untilStill(world)
      yield* TestClock.adjust("61 seconds")
      yield* inTime("nothing is followed", () => world.following === 0)
      socket.resume()
      yield* inTime("it is closed", () => closed.code === 1006)
    })
  )

  it.scoped("answers no heartbeat any more is closed, and one that answers is not", () =>
    Effect.gen(function* () {
      const world = yield* logWorld([build])
      const address = yield* serveLogs(world)
      const url = `ws://${address}/json/streamLogs?job_id=${jobId}`
      let pings = 0
      const alive = yield* client(url)
      alive.on("ping", () => (pings += 1))
      const dead = yield* client(url, { autoPong: false })
      let isClosed = false
      dead.on("close", () => {
        isClosed = true
      })
      for (const beats of [1, 2, 3, 4, 5]) {
        yield* inTime("it was asked", () => pings === beats)
        // Its answer is on its way.
        yield* TestServices.provideLive(Effect.sleep("100 millis"))
        assert.strictEqual(isClosed, beats > 2)
        yield* TestClock.adjust("25 seconds")
      }
      assert.strictEqual(alive.readyState, WebSocket.OPEN)
      alive.close()
      yield* inTime("it is gone", () => alive.readyState === WebSocket.CLOSED)
    })
  )
})
