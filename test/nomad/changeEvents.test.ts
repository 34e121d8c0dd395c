import { assert, describe, it } from "@effect/vitest"
import { Chunk, Effect, Fiber, Logger, Option, Stream } from "effect"
import type { ServerResponse } from "node:http"
import { changeEvents } from "../../src/nomad/changeEvents.ts"
import { makeConnection } from "../../src/nomad/NomadConnection.ts"
import type { EventTopic, NomadEvent } from "../../src/nomad/NomadEvent.ts"
import { nomadClient, plainNomad } from "../support/nomadClient.ts"
import { scriptedServer } from "../support/ScriptedServer.ts"
import { fixture } from "./fixtures.ts"

type Connection = (response: ServerResponse) => void

/** A server that plays one script per connection, and the last one again for all that follow. */
const scripted = (...scripts: ReadonlyArray<Connection>) =>
  Effect.gen(function* () {
    const server = yield* scriptedServer((_, response) => {
      const script = scripts[server.seen.length - 1] ?? scripts.at(-1)
      script?.(response)
    })
    const connection = yield* makeConnection(plainNomad(server.origin))
    const events = (
      topics: ReadonlyArray<EventTopic> = ["Job"],
      from: Option.Option<number> = Option.none()
    ): Stream.Stream<NomadEvent> =>
      changeEvents(connection, topics, from, { silence: "300 millis", pause: "10 millis", slowest: "50 millis" })
    const first = (count: number, topics?: ReadonlyArray<EventTopic>, from?: Option.Option<number>) =>
      events(topics, from).pipe(Stream.take(count), Stream.runCollect, Effect.map(Chunk.toReadonlyArray), quiet)
    return { events, first, server }
  })

const quiet = Effect.provide(Logger.remove(Logger.defaultLogger))

const job = (id: string, index: number) =>
  `${JSON.stringify({ Index: index, Events: [{ Topic: "Job", Key: id, Index: index, Payload: { Job: { Tomorrow: 1 } } }] })}\n`

const heartbeat = "{}\n"

describe("the event stream", () => {
  it.scoped("tells what changed, of real events with their heartbeats", () =>
    Effect.gen(function* () {
      const { first, server } = yield* scripted((response) => {
        for (const line of fixture("event-stream-slim").response.lines ?? [])
          response.write(`${JSON.stringify(line)}\n`)
      })
      const [connected, ...rest] = yield* first(8, ["Job:fx-ev4-da3b", "Allocation", "Evaluation"], Option.some(1800))
      assert.strictEqual(connected?._tag, "Connected")
      const id = "fx-ev4-da3b"
      const allocationId = "e40b1ea0-bdb5-869c-e77e-851913db47b8"
      assert.deepStrictEqual(
        rest.map((event) => ({ ...event })),
        [
          { _tag: "JobChanged", jobId: id, index: 1801 },
          { _tag: "EvaluationChanged", jobId: id, isRoutine: true, index: 1801 },
          { _tag: "EvaluationChanged", jobId: id, isRoutine: true, index: 1802 },
          { _tag: "AllocationChanged", jobId: id, allocationId, stage: "starting", index: 1802 },
          { _tag: "JobChanged", jobId: id, index: 1802 },
          { _tag: "EvaluationChanged", jobId: id, isRoutine: true, index: 1803 },
          { _tag: "AllocationChanged", jobId: id, allocationId, stage: "starting", index: 1804 }
        ]
      )
      assert.strictEqual(
        server.seen[0]?.url,
        "/v1/event/stream?topic=Job%3Afx-ev4-da3b&topic=Allocation&topic=Evaluation&index=1800&namespace=default"
      )
    })
  )

  it.scopedLive("connects again from the last index, and says so, whenever the connection breaks", () =>
    Effect.gen(function* () {
      const { first, server } = yield* scripted(
        (response) => {
          response.write(`${heartbeat}${job("a", 7)}`)
          setTimeout(() => response.destroy(), 20)
        },
        (response) => response.end(job("b", 9)),
        (response) => response.writeHead(500).end("No cluster leader"),
        (response) => response.write(job("c", 12))
      )
      const events = yield* first(6)
      assert.deepStrictEqual(
        events.map((event) => (event._tag === "JobChanged" ? event.jobId : event._tag)),
        ["Connected", "a", "Connected", "b", "Connected", "c"]
      )
      assert.deepStrictEqual(
        server.seen.map(({ url }) => new URLSearchParams(url.split("?")[1]).get("index")),
        [null, "7", "9", "9"]
      )
    })
  )

  it.scopedLive("lives on heartbeats, and doesn't believe a silent connection", () =>
    Effect.gen(function* () {
      const { first, server } = yield* scripted(
        (response) => {
          const beat = setInterval(() => response.write(heartbeat), 100)
          setTimeout(() => {
            clearInterval(beat)
            response.write(job("late", 3))
          }, 700)
        },
        (response) => response.write(heartbeat)
      )
      const events = yield* first(3)
      assert.deepStrictEqual(
        events.map(({ _tag }) => _tag),
        ["Connected", "JobChanged", "Connected"]
      )
      assert.lengthOf(server.seen, 2)
    })
  )

  it.scopedLive("waits for a Nomad that isn't there yet, and for a token that may read", () =>
    Effect.gen(function* () {
      const { first } = yield* scripted(
        (response) => response.destroy(),
        (response) => response.writeHead(403).end("Permission denied"),
        (response) => response.writeHead(500).end("Permission denied"),
        (response) => response.write(heartbeat)
      )
      assert.deepStrictEqual(
        (yield* first(1)).map(({ _tag }) => _tag),
        ["Connected"]
      )
    })
  )

  it.scopedLive("tells at which stage an allocation was", () =>
    Effect.gen(function* () {
      const states = ["pending", "running", "unknown", "complete", "failed", "lost"]
      const { first } = yield* scripted((response) => {
        const Events = states.map((ClientStatus) => ({
          Topic: "Allocation",
          Key: ClientStatus,
          Payload: { Allocation: { JobID: "j", ClientStatus } }
        }))
        response.write(`${JSON.stringify({ Index: 9, Events })}\n`)
      })
      const [, ...told] = yield* first(1 + states.length)
      assert.deepStrictEqual(
        told.flatMap((event) => (event._tag === "AllocationChanged" ? [`${event.allocationId}: ${event.stage}`] : [])),
        ["pending: starting", "running: running", "unknown: running", "complete: ended", "failed: ended", "lost: ended"]
      )
    })
  )

  it.scopedLive("tells which evaluations went as they should", () =>
    Effect.gen(function* () {
      const none = { main: { NodesEvaluated: 0 } }
      const evaluations = {
        registered: { TriggeredBy: "job-register", Status: "pending", FailedTGAllocs: null },
        placed: { TriggeredBy: "job-register", Status: "complete" },
        unblocked: { TriggeredBy: "queued-allocs", Status: "complete", FailedTGAllocs: {} },
        unplaced: { TriggeredBy: "job-register", Status: "complete", FailedTGAllocs: none },
        blocked: { TriggeredBy: "queued-allocs", Status: "blocked", FailedTGAllocs: none },
        canceled: { TriggeredBy: "queued-allocs", Status: "canceled" },
        stopped: { TriggeredBy: "job-deregister", Status: "complete" },
        failed: { TriggeredBy: "job-register", Status: "failed" },
        lost: { TriggeredBy: "node-update", Status: "complete" },
        again: { TriggeredBy: "alloc-failure", Status: "pending" }
      }
      const { first } = yield* scripted((response) => {
        const Events = Object.entries(evaluations).map(([Key, Evaluation]) => ({
          Topic: "Evaluation",
          Key,
          Payload: { Evaluation: { JobID: Key, ...Evaluation } }
        }))
        response.write(`${JSON.stringify({ Index: 9, Events })}\n`)
      })
      const [, ...told] = yield* first(1 + Object.keys(evaluations).length)
      assert.deepStrictEqual(
        told.flatMap((event) => (event._tag === "EvaluationChanged" && event.isRoutine ? [event.jobId] : [])),
        ["registered", "placed", "unblocked"]
      )
    })
  )

  it.scopedLive("passes over what it can't understand, and what it wasn't asked to know", () =>
    Effect.gen(function* () {
      const { first } = yield* scripted((response) => {
        response.write('{"Index": 4, "Events": "none"}\n')
        response.write('{"Index": 5, "Events": [{"Topic": "Deployment", "Key": "d", "Index": 5}]}\n')
        response.write('{"Index": 6, "Events": [{"Topic": "Node", "Key": "n", "Index": 6, "Payload": null}]}\n')
        response.write(
          '{"Index": 7, "Events": [{"Topic": "Allocation", "Key": "a", "Index": 7, "FilterKeys": ["j"]}]}\n'
        )
        response.write('{"Index": 8, "Events": [{"Topic": "Evaluation", "Key": "e", "Index": 8}]}\n')
      })
      assert.deepStrictEqual(
        (yield* first(4)).map((event) => ({ ...event })),
        [
          { _tag: "Connected" },
          { _tag: "NodeChanged", nodeId: "n", index: 6 },
          { _tag: "AllocationChanged", jobId: "j", allocationId: "a", stage: "running", index: 7 },
          { _tag: "EvaluationChanged", jobId: "", isRoutine: false, index: 8 }
        ]
      )
    })
  )

  it.scopedLive("follows a restored cluster, whose indexes are older", () =>
    Effect.gen(function* () {
      const { first, server } = yield* scripted(
        (response) => response.end(job("a", 900)),
        (response) => response.end(job("b", 40)),
        (response) => response.write(heartbeat)
      )
      yield* first(5)
      assert.include(server.seen[2]?.url, "index=40")
    })
  )

  it.scopedLive("closes its connection when it is ended, also while it waits to connect", () =>
    Effect.gen(function* () {
      const { events, server } = yield* scripted((response) => response.write(heartbeat))
      const fiber = yield* Effect.fork(Stream.runDrain(events()))
      yield* until(() => server.openSockets() === 1)
      yield* Fiber.interrupt(fiber)
      yield* until(() => server.openSockets() === 0)
      const nobody = yield* nomadClient(plainNomad("http://127.0.0.1:9"))
      const waiting = yield* Effect.fork(quiet(Stream.runDrain(nobody.events(["Job"], Option.none()))))
      yield* Effect.sleep("50 millis")
      yield* Fiber.interrupt(waiting)
    })
  )
})

const until = (condition: () => boolean) =>
  Effect.repeat(Effect.sleep("5 millis"), { until: condition }).pipe(Effect.timeout("5 seconds"))
