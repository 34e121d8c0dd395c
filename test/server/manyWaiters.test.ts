import { execFileSync } from "node:child_process"
import { type ClientRequest, request } from "node:http"
import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Duration, Effect, Layer, Option, Schedule, Schema, type Scope } from "effect"
import { Consul } from "../../src/consul/Consul.ts"
import type { Status } from "../../src/domain/Status.ts"
import { startEmbeddedConsul } from "../../src/embedded/consul/EmbeddedConsul.ts"
import { makeFeed } from "../../src/store/Feed.ts"
import { Statuses } from "../../src/store/Statuses.ts"
import { minimal } from "../domain/records.ts"
import { type ConsulProxy, consulProxy } from "../leader/ConsulProxy.ts"
import { consulClient } from "../support/consulClient.ts"
import { keys } from "./deskOf.ts"
import { httpDesk } from "./httpDesk.ts"
import { jobId, statusOf } from "./logWorld.ts"

const polls = 1000
const readers = 100

/** Both ends of every connection are in this process. */
const sockets = 2 * (polls + readers) + 300

/** A replica on a real port, what it asks of Consul, and whatever the leader writes, which is another. */
const scene = Effect.gen(function* () {
  const limit = execFileSync("sh", ["-c", "ulimit -n"], { encoding: "utf8" }).trim()
  if (Number(limit) < sockets) {
    throw new Error(`${sockets} sockets are needed and ${limit} files may be open: raise it (ulimit -n ${sockets})`)
  }
  const { address } = yield* Effect.orDie(startEmbeddedConsul({ host: "127.0.0.1", port: 0 }))
  const leader = yield* consulClient({ origin: address })
  yield* leader.put(`${keys.config}limits/waiters`, String(polls + readers))
  const needs = Layer.succeed(Consul, leader)
  const statuses = Context.get(yield* Layer.build(Layer.provide(Statuses.layer(keys), needs)), Statuses)
  const feed = yield* Effect.provide(makeFeed(keys, Option.none(), "a term"), needs)
  const written = new Map<string, number>()
  const tell = Effect.fnUntraced(function* (name: string, status: Status["status"]) {
    const key = `${keys.jobs}${name}`
    const before = written.get(name) ?? 0
    const told = statusOf([], { name, status, updated_at: 1000 + before, times: { job_start: 1000 } })
    const after = yield* statuses.write(told, {
      record: { key, modifyIndex: Option.map(yield* leader.get(key), ({ modifyIndex }) => modifyIndex) },
      modifyIndex: before,
      fence: Option.none(),
      taken: [],
      released: [],
      handled: []
    })
    written.set(name, after)
    yield* feed.announce(told)
  })
  yield* tell("web", "PENDING")
  yield* inTime("it was announced", Effect.map(leader.get(keys.feed), Option.isSome))
  const proxy = yield* consulProxy(address)
  const desk = yield* httpDesk({ consul: yield* consulClient({ origin: proxy.origin }) })
  return { desk, leader, proxy, tell }
})

interface Client {
  readonly asked: ClientRequest
  /** All of the answer, once it has ended. */
  readonly answer: Effect.Effect<{ readonly status: number; readonly retryAfter: string; readonly text: string }>
  /** What has come so far. */
  readonly heard: () => string
}

/** A client with a connection of its own. */
const client = (url: string): Effect.Effect<Client, never, Scope.Scope> =>
  Effect.gen(function* () {
    const answer = yield* Deferred.make<{ status: number; retryAfter: string; text: string }>()
    let text = ""
    const asked = yield* Effect.acquireRelease(
      Effect.sync(() => request(url, { agent: false })),
      (open) => Effect.sync(() => open.destroy())
    )
    asked.on("error", () => {})
    asked.on("response", (response) => {
      response.setEncoding("utf8")
      response.on("error", () => {})
      response.on("data", (chunk: string) => (text += chunk))
      const retryAfter = response.headers["retry-after"] ?? ""
      response.on("end", () =>
        Effect.runSync(Deferred.succeed(answer, { status: response.statusCode ?? 0, retryAfter, text }))
      )
    })
    asked.end()
    return { asked, answer: Deferred.await(answer), heard: () => text }
  })

const many = (count: number, one: Effect.Effect<Client, never, Scope.Scope>) =>
  Effect.all(Array.from({ length: count }, () => one))

const stateOf = Schema.decodeUnknownSync(Schema.parseJson(Schema.Struct({ status: Schema.String })))

/** A thousand of anything take a busy machine a while. */
const inTime = <E, R>(what: string, holds: Effect.Effect<boolean, E, R>) =>
  Effect.repeat(holds, { until: (yes) => yes, schedule: Schedule.spaced("20 millis") }).pipe(
    Effect.timeoutFail({ duration: "40 seconds", onTimeout: () => new Error(`it never came true that ${what}`) })
  )

/** How much was asked once nothing more is: whoever waits is counted a moment before it has read what it waits for. */
const settled = ({ seen }: ConsulProxy): Effect.Effect<number> =>
  Effect.iterate(
    { before: -1, now: seen.length },
    {
      while: ({ before, now }) => before !== now,
      body: ({ now }) =>
        Effect.delay(
          Effect.sync(() => ({ before: now, now: seen.length })),
          "300 millis"
        )
    }
  ).pipe(Effect.map(({ now }) => now))

/** What is no watch that was renewed. */
const askedSince = ({ seen }: ConsulProxy, before: number) =>
  seen.slice(before).flatMap(({ url }) => (url.includes("wait=") ? [] : [url]))

describe("1,000 who wait and 100 who follow, on one replica", () => {
  it.scopedLive("cost Consul one watch, are all told of a change, and leave nothing behind", () =>
    Effect.gen(function* () {
      const { desk, proxy, tell } = yield* scene
      const index = Number((yield* desk.ask("/json/job/web/status")).headers.get("x-jobforge-index"))
      const poll = client(`${desk.url}/json/job/web/status?wait=60s&index=${index}`)
      const follower = client(`${desk.url}/json/job/${jobId}/events`)
      const waiting = yield* many(polls, poll)
      const following = yield* many(readers, follower)
      const all = polls + readers
      yield* inTime(
        `${all} wait`,
        Effect.map(desk.waiters, (count) => count === all)
      )

      // While nothing happens nothing is asked: the watches of the settings and of the feed are under way.
      const before = yield* settled(proxy)
      yield* Effect.sleep("1500 millis")
      assert.deepStrictEqual(askedSince(proxy, before), [])
      const watches = proxy.seen.filter(({ url }) => /[?&]index=[1-9]/.test(url) && url.includes(`${keys.feed}?`))
      assert.lengthOf(watches, 1)

      const refused = yield* desk.ask(`/json/job/web/status?wait=60s&index=${index}`)
      assert.deepInclude(JSON.parse(refused.text), { error: "Too many requests", code: 429 })
      assert.deepStrictEqual([refused.status, refused.headers.get("retry-after")], [429, "5"])

      // Whoever leaves makes room at once.
      const left = 100
      for (const { asked } of waiting.slice(0, left)) asked.destroy()
      yield* inTime(
        "they are gone",
        Effect.map(desk.waiters, (count) => count === all - left)
      )
      const come = yield* many(left, poll)
      yield* inTime(
        "others wait",
        Effect.map(desk.waiters, (count) => count === all)
      )

      const quiet = yield* settled(proxy)
      yield* tell("web", "BUILDING")
      const [taken, answers] = yield* Effect.timed(
        Effect.all(
          [...waiting.slice(left), ...come].map(({ answer }) => answer),
          { concurrency: "unbounded" }
        )
      )
      assert.lengthOf(answers, polls)
      for (const { status, text } of answers) {
        assert.deepStrictEqual([status, stateOf(text).status], [200, "BUILDING"])
      }
      yield* inTime(
        "who follows was told",
        Effect.sync(() => following.every(({ heard }) => heard().includes(`"BUILDING"`)))
      )
      yield* inTime(
        "who follows waits on",
        Effect.map(desk.waiters, (count) => count === readers)
      )
      assert.isBelow(Duration.toMillis(taken), 10_000)
      // The feed and the status, for all; and what each who follows needs to wait on.
      assert.isAtMost(proxy.seen.length - quiet, 5 + 3 * readers)

      yield* tell("web", "SUCCEEDED")
      const ends = yield* Effect.all(
        following.map(({ answer }) => answer),
        { concurrency: "unbounded" }
      )
      for (const { text } of ends) assert.include(text, `"reason":"finished"`)
      assert.strictEqual(yield* desk.waiters, 0)
    })
  )

  it.scopedLive("cost little, too, for as long as no leader has looked at the record", () =>
    Effect.gen(function* () {
      const { desk, leader, proxy, tell } = yield* scene
      yield* leader.put(`${keys.jobs}new`, JSON.stringify(minimal))
      const index = Number((yield* desk.ask("/json/job/new/status")).headers.get("x-jobforge-index"))
      assert.isAbove(index, 0)
      const waiting = yield* many(100, client(`${desk.url}/json/job/new/status?wait=60s&index=${index}`))
      yield* inTime(
        "all wait",
        Effect.map(desk.waiters, (count) => count === 100)
      )
      const before = yield* settled(proxy)
      yield* Effect.sleep("1500 millis")
      assert.deepStrictEqual(askedSince(proxy, before), [])
      yield* tell("new", "PENDING")
      const [taken, answers] = yield* Effect.timed(
        Effect.all(
          waiting.map(({ answer }) => answer),
          { concurrency: "unbounded" }
        )
      )
      for (const { status, text } of answers) {
        assert.deepStrictEqual([status, stateOf(text).status], [200, "PENDING"])
      }
      assert.isBelow(Duration.toMillis(taken), 10_000)
    })
  )
})
