import { connect } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Duration, Effect, Exit, Fiber, Schema, Scope, TestClock, TestServices } from "effect"
import { endlessRef } from "../../scripts/chaos/modelDriver.ts"
import { openApi } from "../../src/api/openApi.ts"
import { Consul } from "../../src/consul/Consul.ts"
import { collectionPatience } from "../../src/server/collectionView.ts"
import { minimal } from "../domain/records.ts"
import { embeddedConsul } from "../support/embeddedConsul.ts"
import { record } from "../zoo/support/Stage.ts"
import { askRaw, preflight } from "./askRaw.ts"
import { keys } from "./deskOf.ts"
import { httpDesk } from "./httpDesk.ts"
import { alone, staged, submitted } from "./httpScenes.ts"

describe("a service that listens on loopback", () => {
  it.scoped("refuses foreign Hosts and Origins, on every path", () =>
    alone((desk) =>
      Effect.gen(function* () {
        for (const path of ["/json/job/x/status", "/mcp", "/health", "/openapi.json", "/jobs"]) {
          assert.strictEqual((yield* askRaw(desk, path, { host: "evil.example.com" })).status, 403, path)
          assert.strictEqual((yield* askRaw(desk, path, { host: "127.0.0.1.evil.example.com" })).status, 403, path)
          assert.strictEqual((yield* askRaw(desk, path, { origin: "http://evil.example.com" })).status, 403, path)
          assert.strictEqual((yield* askRaw(desk, path, { origin: "null" })).status, 403, path)
        }
        const { status } = yield* preflight(desk, "/mcp", { origin: "http://evil.example.com" })
        assert.strictEqual(status, 403)
      })
    )
  )

  it.scoped("answers to its own names, and to pages of the machine's own", () =>
    alone((desk) =>
      Effect.gen(function* () {
        for (const host of ["localhost:8080", "127.0.0.1", "[::1]:8080", "jobforge.localhost"]) {
          assert.strictEqual((yield* askRaw(desk, "/openapi.json", { host })).status, 200, host)
        }
        const { status } = yield* askRaw(desk, "/openapi.json", { origin: "http://localhost:6274" })
        assert.strictEqual(status, 200)
      })
    )
  )

  it.scoped("answers pages of an origin that CORS_ORIGIN names", () =>
    alone(
      (desk) =>
        Effect.gen(function* () {
          const named = yield* askRaw(desk, "/openapi.json", { origin: "https://app.example.com" })
          assert.strictEqual(named.status, 200)
          const other = yield* askRaw(desk, "/openapi.json", { origin: "https://other.example.com" })
          assert.strictEqual(other.status, 403)
        }),
      { corsOrigins: ["https://app.example.com"] }
    )
  )

  it.scoped("is the only one so strict: elsewhere the network decides", () =>
    alone(
      (desk) =>
        Effect.gen(function* () {
          const { status } = yield* askRaw(desk, "/openapi.json", {
            host: "jobforge.example.com",
            origin: "https://app.example.com"
          })
          assert.strictEqual(status, 200)
        }),
      { host: "0.0.0.0" }
    )
  )
})

describe("slow and oversized clients", () => {
  it.scoped("get 431 for too large headers", () =>
    alone((desk) =>
      Effect.gen(function* () {
        const { status } = yield* askRaw(desk, "/health", { "x-large": "x".repeat(20_000) })
        assert.strictEqual(status, 431)
      })
    )
  )

  it.scopedLive(
    "lose their connection when the headers don't come within 10 s",
    () =>
      alone((desk) =>
        Effect.gen(function* () {
          const socket = connect(Number(new URL(desk.url).port), "127.0.0.1")
          const closed = yield* Deferred.make<string>()
          let heard = ""
          socket.on("data", (bytes) => {
            heard += bytes.toString()
          })
          socket.on("close", () => Effect.runSync(Deferred.succeed(closed, heard)))
          socket.write("GET /health HTTP/1.1\r\nHost: localhost\r\n")
          const answer = yield* Effect.timeout(Deferred.await(closed), "16 seconds")
          assert.match(answer, /^HTTP\/1\.1 408 /)
        })
      ),
    30_000
  )
})

interface SentEvent {
  readonly event: string
  readonly id: string | undefined
  readonly data: unknown
}

/** What an event stream has sent until it ended. */
const eventsOf = (text: string): ReadonlyArray<SentEvent> =>
  text.split("\n\n").flatMap((block) => {
    const lines = block.split("\n")
    const value = (name: string) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2)
    const data = value("data")
    return data === undefined ? [] : [{ event: value("event") ?? "", id: value("id"), data: JSON.parse(data) }]
  })

const Told = Schema.Struct({
  status: Schema.optional(Schema.String),
  phase: Schema.optional(Schema.String),
  reason: Schema.optional(Schema.String),
  error: Schema.optional(Schema.String)
})

const told = ({ data, event }: SentEvent): string => {
  const { phase, reason, status } = Schema.decodeUnknownSync(Told)(data)
  return event === "end" ? `end ${reason}` : [status, ...(phase === undefined ? [] : [phase])].join("/")
}

describe("a job's event stream", () => {
  it.scopedLive("Appendix B: tells PENDING to SUCCEEDED once each, in order, and ends after the last", () =>
    staged((desk) =>
      Effect.gen(function* () {
        const id = yield* submitted(desk, record("app", { test: { entry_point: true } }))
        const live = yield* desk.ask(`/json/job/${id}/events`)
        assert.match(live.headers.get("content-type") ?? "", /^text\/event-stream/)
        assert.isTrue(live.text.startsWith(": open\n\n"))
        assert.deepStrictEqual(eventsOf(live.text).map(told), [
          "PENDING",
          "BUILDING/build",
          "TESTING/test",
          "PUBLISHING/publish",
          "SUCCEEDED",
          "end finished"
        ])
        const replayed = yield* desk.ask(`/jobs/${id}/events`)
        assert.deepStrictEqual(eventsOf(replayed.text).map(told), eventsOf(live.text).map(told))
        const testing = eventsOf(live.text).find((event) => told(event) === "TESTING/test")
        const resumed = yield* desk.ask(`/mcp/job/${id}/events`, { headers: { "last-event-id": testing?.id ?? "" } })
        assert.deepStrictEqual(eventsOf(resumed.text).map(told), ["PUBLISHING/publish", "SUCCEEDED", "end finished"])
      })
    )
  )

  it.scopedLive("Appendix B: of a FAILED job carries its error", () =>
    staged((desk, stage) =>
      Effect.gen(function* () {
        const id = yield* submitted(desk, record("slow", { git_ref: endlessRef }))
        const stream = yield* Effect.fork(desk.ask(`/json/job/${id}/events`))
        yield* stage.until(id, ({ status }) => status === "BUILDING")
        yield* desk.post("/json/killJob", { job_id: id })
        const events = eventsOf((yield* Fiber.join(stream)).text)
        const last = events.at(-2)
        assert.deepStrictEqual(Schema.decodeUnknownSync(Told)(last?.data), {
          status: "FAILED",
          reason: "Cancelled",
          error: "Job killed by user"
        })
      })
    )
  )

  it.scopedLive("ends when the record has a newer run", () =>
    staged((desk, stage) =>
      Effect.gen(function* () {
        yield* stage.put("web", record("slow", { git_ref: endlessRef }))
        const first = yield* stage.until("web", ({ status }) => status === "BUILDING")
        const superseded = yield* Effect.fork(desk.ask(`/json/job/${first.job_id}/events`))
        yield* Effect.sleep("200 millis")
        yield* stage.put("web", record("slow", { git_ref: endlessRef, clear_cache: true }))
        assert.strictEqual(
          eventsOf((yield* Fiber.join(superseded)).text)
            .map(told)
            .at(-1),
          "end superseded"
        )
      })
    )
  )

  it.scopedLive("begins from the start for whoever has seen another run of the record", () =>
    staged((desk, stage) =>
      Effect.gen(function* () {
        yield* stage.put("web", record("app"))
        yield* stage.until("web", ({ status }) => status === "SUCCEEDED")
        const first = eventsOf((yield* desk.ask("/json/job/web/events")).text)
        yield* stage.put("web", record("app", { clear_cache: true }))
        yield* stage.until("web", ({ generation, status }) => generation === 2 && status === "SUCCEEDED")
        const second = eventsOf((yield* desk.ask("/json/job/web/events")).text)
        const building = first.find((event) => told(event) === "BUILDING/build")
        const resumed = yield* desk.ask("/json/job/web/events", { headers: { "last-event-id": building?.id ?? "" } })
        assert.deepStrictEqual(eventsOf(resumed.text).map(told), second.map(told))
      })
    )
  )

  it.scopedLive("and a wait end at once when the replica stops, and say so", () =>
    Effect.gen(function* () {
      const consul = yield* Consul
      yield* consul.put(`${keys.jobs}web`, JSON.stringify(minimal))
      const scope = yield* Scope.make()
      const desk = yield* Scope.extend(httpDesk({ consul }), scope)
      const stream = yield* Effect.fork(desk.ask("/json/job/web/events"))
      const wait = yield* Effect.fork(desk.ask("/json/job/web/status?wait=60s&index=999999"))
      yield* Effect.sleep("300 millis")
      const [took] = yield* Effect.timed(Scope.close(scope, Exit.void))
      assert.strictEqual(
        eventsOf((yield* Fiber.join(stream)).text)
          .map(told)
          .at(-1),
        "end shutdown"
      )
      assert.strictEqual((yield* Fiber.join(wait)).status, 200)
      assert.isBelow(Duration.toMillis(took), 1500)
      const gone = yield* Effect.exit(
        Effect.timeout(
          Effect.tryPromise(() => fetch(desk.url)),
          "2 seconds"
        )
      )
      assert.isTrue(Exit.isFailure(gone))
    }).pipe(Effect.provide(embeddedConsul))
  )
})

describe("the description", () => {
  it.scoped("is OpenAPI 3.1 with every path that is served, and the BuildJob's schema in it", () =>
    alone((desk) =>
      Effect.gen(function* () {
        const { json, status } = yield* desk.ask("/openapi.json")
        assert.strictEqual(status, 200)
        assert.deepStrictEqual(json, JSON.parse(JSON.stringify(openApi("0.0.0-source"))))
        const { components, openapi, paths } = Schema.decodeUnknownSync(Document)(json)
        assert.match(openapi, /^3\.1\./)
        assert.containsAllKeys(components.schemas, [
          "BuildJob",
          "BuildJobRecord",
          "JobState",
          "Transition",
          "Diagnosis"
        ])
        for (const reference of JSON.stringify(json).matchAll(/"\$ref":"([^"]+)"/g)) {
          const name = reference[1]?.replace("#/components/schemas/", "") ?? ""
          assert.property(components.schemas, decodeURIComponent(name), reference[0])
        }
        for (const [path, methods] of Object.entries(paths)) {
          for (const method of Object.keys(methods)) {
            const asked = yield* Effect.fork(askRaw(desk, path.replace("{id}", "nobody"), {}, method.toUpperCase()))
            // What waits for a leader to answer does so by the test's clock.
            const patience = Effect.zipRight(
              TestServices.provideLive(Effect.sleep("10 millis")),
              TestClock.adjust(collectionPatience)
            )
            yield* Effect.raceFirst(Fiber.await(asked), Effect.forever(patience))
            const answer = yield* Fiber.join(asked)
            assert.notInclude([405, 501], answer.status, `${method} ${path}`)
            if (answer.status === 404) assert.match(answer.headers["content-type"] ?? "", /json/, path)
          }
        }
      })
    )
  )

  it.scoped("has a page for people that loads nothing from anywhere else", () =>
    alone((desk) =>
      Effect.gen(function* () {
        const { headers, status, text } = yield* desk.ask("/docs")
        assert.strictEqual(status, 200)
        assert.match(headers.get("content-type") ?? "", /^text\/html/)
        for (const path of ["/json/submitJob", "/json/job/{id}/status", "/jobs/{id}", "/health"]) {
          assert.include(text, path)
        }
        assert.notMatch(text, /<script|src=|<link|@import|url\(/)
        assert.isBelow(text.length, 300_000)
        for (const [, anchor] of text.matchAll(/href="#([^"]+)"/g)) assert.include(text, `id="${anchor}"`)
      })
    )
  )
})

const Document = Schema.Struct({
  openapi: Schema.String,
  paths: Schema.Record({ key: Schema.String, value: Schema.Record({ key: Schema.String, value: Schema.Unknown }) }),
  components: Schema.Struct({ schemas: Schema.Record({ key: Schema.String, value: Schema.Unknown }) })
})
