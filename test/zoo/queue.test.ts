import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Option, Ref, Stream, TestClock } from "effect"
import { makeWorkQueue, type Requeue, type WorkQueue } from "../../src/controller/WorkQueue.ts"
import type { Consul } from "../../src/consul/Consul.ts"
import type { Status } from "../../src/domain/Status.ts"
import { eventually } from "../support/eventually.ts"
import { atRest, record, setStage, withTests } from "./support/Stage.ts"

const backoff = (failures: number) => Duration.seconds(Math.min(60, 2 ** failures))

const sockets = () => process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length

describe("the queue", () => {
  it.scoped("Z6: a key that failed many times in a row is worked on again once it can be", () =>
    Effect.gen(function* () {
      const passes = yield* Ref.make(0)
      const queue = yield* makeWorkQueue({
        concurrency: 1,
        backoff,
        reconcile: () =>
          Effect.flatMap(
            Ref.updateAndGet(passes, (count) => count + 1),
            (count): Effect.Effect<Requeue, string> =>
              count <= 12 ? Effect.fail("no node takes it") : Effect.succeed("when-notified")
          )
      })
      yield* queue.add("web")
      yield* TestClock.adjust("15 minutes")
      assert.strictEqual(yield* Ref.get(passes), 13)
      yield* queue.add("web")
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Ref.get(passes), 14)
    })
  )

  it.scoped("Z11: keys that are settled leave nothing behind, however many there were", () =>
    Effect.gen(function* () {
      const fibers = yield* Ref.make(0)
      const queue = yield* makeWorkQueue({
        concurrency: 16,
        backoff,
        reconcile: (key) =>
          Ref.update(fibers, (count) => count + 1).pipe(
            Effect.as<Requeue>(key.endsWith("7") ? Duration.seconds(1) : "when-notified")
          )
      })
      for (let at = 0; at < 5000; at++) yield* queue.add(`key ${at}`)
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(yield* queue.size, { waiting: 0, active: 0 })
      assert.strictEqual(yield* Ref.get(fibers), 5000)
    })
  )

  it.scopedLive(
    "Z11: a term of office leaves no watch or connection behind",
    () =>
      Effect.gen(function* () {
        const stage = yield* setStage
        let open = 0
        const counted = <A>(stream: Stream.Stream<A>): Stream.Stream<A> =>
          Stream.suspend(() => {
            open++
            return Stream.ensuring(
              stream,
              Effect.sync(() => open--)
            )
          })
        yield* stage.serve({
          consul: (consul) => ({
            ...consul,
            watchKey: (key) => counted(consul.watchKey(key)),
            watchKeys: (prefix) => counted(consul.watchKeys(prefix)),
            watchList: (prefix) => counted(consul.watchList(prefix))
          }),
          nomad: (nomad) => ({ ...nomad, events: (topics, index) => counted(nomad.events(topics, index)) })
        })
        const holder = Effect.map(stage.consul.get("jobforge-service/leader"), (key) =>
          Option.flatMapNullable(key, ({ session }) => session)
        )
        const work = (name: string) => Effect.zipRight(stage.put(name, record(name)), stage.ended(name))
        const nextTerm = (name: string) =>
          Effect.gen(function* () {
            const session = Option.getOrThrow(yield* holder)
            yield* stage.consul.destroySession(session)
            yield* eventually(
              "it leads again",
              Effect.map(holder, (next) => Option.isSome(next) && next.value !== session)
            )
            yield* work(name)
          })
        yield* work("first")
        yield* nextTerm("second")
        const before = { open, sockets: sockets() }
        assert.isAbove(open, 1)
        for (const name of ["third", "fourth", "fifth", "sixth"]) yield* nextTerm(name)
        assert.strictEqual(open, before.open)
        // Connections that are kept for reuse come and go.
        assert.isAtMost(sockets(), before.sockets + 8)
      }),
    60_000
  )

  it.scoped("Z12: a key that is never quiet does not keep the ones found at start-up waiting", () =>
    Effect.gen(function* () {
      const order = yield* Ref.make<ReadonlyArray<string>>([])
      const queue: WorkQueue = yield* makeWorkQueue({
        concurrency: 1,
        backoff,
        reconcile: (key): Effect.Effect<Requeue> =>
          Ref.update(order, (all) => [...all, key]).pipe(
            Effect.zipRight(Effect.sleep("100 millis")),
            Effect.zipRight(key === "busy" ? queue.add("busy") : Effect.void),
            Effect.as<Requeue>("when-notified")
          )
      })
      yield* queue.add("busy")
      for (let at = 0; at < 50; at++) yield* queue.add(`found at start ${at}`)
      yield* TestClock.adjust("12 seconds")
      const served = yield* Ref.get(order)
      assert.lengthOf(new Set(served), 51)
      // One turn for the busy key for each round of the others, not one for each of them.
      assert.isBelow(served.indexOf("found at start 49"), 60)
    })
  )

  it.scoped("Z25: a pass that takes 3 s keeps no other key waiting", () =>
    Effect.gen(function* () {
      const done = yield* Ref.make(0)
      const queue = yield* makeWorkQueue({
        concurrency: 16,
        backoff,
        reconcile: (key) =>
          (key === "slow" ? Effect.sleep("3 seconds") : Effect.void).pipe(
            Effect.zipRight(Ref.update(done, (count) => count + 1)),
            Effect.as<Requeue>("when-notified")
          )
      })
      yield* queue.add("slow")
      for (let at = 0; at < 200; at++) yield* queue.add(`quick ${at}`)
      yield* TestClock.adjust("10 millis")
      assert.strictEqual(yield* Ref.get(done), 200)
    })
  )

  it.scopedLive(
    "Z25: dozens of runs advance side by side, and what is finished is not looked at for it",
    () =>
      Effect.gen(function* () {
        const stage = yield* setStage
        const asked: Array<string> = []
        const listening = (consul: Consul["Type"]): Consul["Type"] => ({
          ...consul,
          get: (key, options) =>
            Effect.zipRight(
              Effect.sync(() => asked.push(key)),
              consul.get(key, options)
            )
        })
        yield* stage.serve({ consul: listening })
        const names = Array.from({ length: 30 }, (_, at) => `run-${at}`)
        const begun = performance.now()
        yield* Effect.forEach(names, (name) => stage.put(name, record(name, withTests)), { concurrency: 8 })
        yield* Effect.forEach(names, (name) => stage.ended(name, "60 seconds"), { concurrency: 30, discard: true })
        // One after the other they would take 30 times 3 s for the wait between build and test alone; a busy machine needs 30 s.
        assert.isBelow(performance.now() - begun, 60_000)

        // A sleep between build and test shows in each run, a busy machine not in every one.
        const gaps = yield* Effect.forEach(["alone-1", "alone-2", "alone-3", "alone-4"], (name) =>
          Effect.zipRight(stage.put(name, record(name, withTests)), Effect.map(stage.ended(name), gapBeforeTests))
        )
        assert.isBelow(Math.min(...gaps), 2500)

        asked.length = 0
        yield* stage.put("one-more", record("one-more"))
        yield* stage.until("one-more", atRest)
        for (const name of names) assert.notInclude(asked, `jobforge-service/status/${name}`)
      }),
    120_000
  )
})

/** Milliseconds from the end of the build to the first test's announcement. */
const gapBeforeTests = ({ attempts }: Status): number => {
  const of = (wanted: Status["attempts"][number]["phase"]) => attempts.find(({ phase }) => phase === wanted)
  return (of("test")?.intended_at ?? Number.NaN) - (of("build")?.finished_at ?? Number.NaN)
}
