import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Ref, TestClock } from "effect"
import { makeWorkQueue, type Requeue } from "../../src/controller/WorkQueue.ts"

const backoff = (failures: number) => Duration.seconds(2 ** (failures - 1))

/** Notes each pass and takes 5 s for it. */
const slow =
  (passes: Ref.Ref<ReadonlyArray<string>>, requeue: Requeue = "when-notified") =>
  (key: string) =>
    Ref.update(passes, (all) => [...all, key]).pipe(Effect.zipRight(Effect.sleep("5 seconds")), Effect.as(requeue))

describe("WorkQueue", () => {
  it.scoped("makes one more pass for whatever was announced during a pass", () =>
    Effect.gen(function* () {
      const passes = yield* Ref.make<ReadonlyArray<string>>([])
      const queue = yield* makeWorkQueue({ reconcile: slow(passes), backoff, concurrency: 2 })
      yield* queue.add("web")
      yield* TestClock.adjust("1 second")
      yield* queue.add("web")
      yield* queue.add("web")
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* Ref.get(passes), ["web", "web"])
    })
  )

  it.scoped("never works on one key twice at the same time", () =>
    Effect.gen(function* () {
      const active = yield* Ref.make(0)
      const most = yield* Ref.make(0)
      const queue = yield* makeWorkQueue({
        backoff,
        concurrency: 4,
        reconcile: () =>
          Effect.gen(function* () {
            const now = yield* Ref.updateAndGet(active, (count) => count + 1)
            yield* Ref.update(most, (count) => Math.max(count, now))
            yield* Effect.sleep("1 second")
            yield* Ref.update(active, (count) => count - 1)
            return "when-notified" as const
          })
      })
      for (let second = 0; second < 5; second++) {
        yield* queue.add("web")
        yield* TestClock.adjust("300 millis")
      }
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* Ref.get(most), 1)
    })
  )

  it.scoped("backs off a failing key, defects included, and keeps the others going", () =>
    Effect.gen(function* () {
      const attempts = yield* Ref.make<ReadonlyArray<string>>([])
      const queue = yield* makeWorkQueue({
        concurrency: 1,
        backoff,
        reconcile: (key) =>
          Ref.update(attempts, (all) => [...all, key]).pipe(
            Effect.zipRight(key === "bad" ? Effect.die("a bug") : Effect.succeed(Duration.seconds(4)))
          )
      })
      yield* queue.add("bad")
      yield* queue.add("good")
      yield* TestClock.adjust("8 seconds")
      const all = yield* Ref.get(attempts)
      // bad: 0, 1, 3, 7 s; good: 0, 4, 8 s
      assert.lengthOf(
        all.filter((key) => key === "bad"),
        4
      )
      assert.lengthOf(
        all.filter((key) => key === "good"),
        3
      )
    })
  )

  it.scoped("shortens no backoff for a notification", () =>
    Effect.gen(function* () {
      const attempts = yield* Ref.make(0)
      const queue = yield* makeWorkQueue({
        concurrency: 1,
        backoff: () => Duration.seconds(10),
        reconcile: () =>
          Effect.zipRight(
            Ref.update(attempts, (count) => count + 1),
            Effect.fail("down")
          )
      })
      yield* queue.add("web")
      yield* TestClock.adjust("1 second")
      yield* queue.add("web")
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(yield* Ref.get(attempts), 1)
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(yield* Ref.get(attempts), 2)
    })
  )

  it.scoped("serves keys in the order in which they came", () =>
    Effect.gen(function* () {
      const passes = yield* Ref.make<ReadonlyArray<string>>([])
      const queue = yield* makeWorkQueue({ reconcile: slow(passes), backoff, concurrency: 1 })
      for (const key of ["a", "b", "c", "a"]) yield* queue.add(key)
      assert.deepStrictEqual(yield* queue.size, { waiting: 3, active: 0 })
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* queue.size, { waiting: 2, active: 1 })
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* Ref.get(passes), ["a", "b", "c"])
      assert.deepStrictEqual(yield* queue.size, { waiting: 0, active: 0 })
    })
  )

  it.scoped("looks once at what is announced several times shortly after another, however often", () =>
    Effect.gen(function* () {
      const passes = yield* Ref.make<ReadonlyArray<string>>([])
      const queue = yield* makeWorkQueue({ reconcile: slow(passes), backoff, concurrency: 2 })
      for (let times = 0; times < 4; times++) {
        yield* queue.addWithin("web", "50 millis")
        assert.deepStrictEqual(yield* Ref.get(passes), [])
        yield* TestClock.adjust("15 millis")
      }
      assert.deepStrictEqual(yield* Ref.get(passes), ["web"])
      // What comes in the midst of a look has another one.
      yield* queue.addWithin("web", "50 millis")
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* Ref.get(passes), ["web", "web"])
    })
  )

  it.scoped("drops what is announced for shortly when it is looked at before", () =>
    Effect.gen(function* () {
      const passes = yield* Ref.make<ReadonlyArray<string>>([])
      const queue = yield* makeWorkQueue({ reconcile: slow(passes), backoff, concurrency: 2 })
      yield* queue.addWithin("web", "50 millis")
      yield* queue.addFirst("web")
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* Ref.get(passes), ["web"])
    })
  )

  it.scoped("gives each key that is announced its own 50 ms, also one that was looked at meanwhile", () =>
    Effect.gen(function* () {
      const looks = yield* Ref.make<ReadonlyArray<string>>([])
      const reconcile = (key: string) =>
        Effect.flatMap(Clock.currentTimeMillis, (now) =>
          Ref.update(looks, (all) => [...all, `${key} ${now}`]).pipe(Effect.as("when-notified" as const))
        )
      const queue = yield* makeWorkQueue({ reconcile, backoff, concurrency: 1 })
      yield* queue.addWithin("a", "50 millis")
      yield* TestClock.adjust("20 millis")
      yield* queue.addWithin("b", "50 millis")
      yield* queue.addFirst("a")
      yield* TestClock.adjust("10 millis")
      yield* queue.addWithin("a", "50 millis")
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* Ref.get(looks), ["a 20", "b 70", "a 80"])
    })
  )

  it.scoped("looks when the shortest of the announced pauses is over, and only then", () =>
    Effect.gen(function* () {
      const looks = yield* Ref.make<ReadonlyArray<number>>([])
      const reconcile = () =>
        Effect.flatMap(Clock.currentTimeMillis, (now) =>
          Ref.update(looks, (all) => [...all, now]).pipe(Effect.as("when-notified" as const))
        )
      const queue = yield* makeWorkQueue({ reconcile, backoff, concurrency: 1 })
      yield* queue.addWithin("web", "2 seconds")
      yield* TestClock.adjust("1 second")
      yield* queue.addWithin("web", "50 millis")
      yield* TestClock.adjust("20 millis")
      yield* queue.addWithin("web", "2 seconds")
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* Ref.get(looks), [1050])
      yield* queue.addWithin("web", "2 seconds")
      yield* TestClock.adjust("1970 millis")
      yield* queue.addWithin("web", "50 millis")
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* Ref.get(looks), [1050, 63_020])
    })
  )

  it.scoped("drops the later look when an earlier one comes", () =>
    Effect.gen(function* () {
      const passes = yield* Ref.make<ReadonlyArray<string>>([])
      const queue = yield* makeWorkQueue({
        concurrency: 1,
        backoff,
        reconcile: (key) =>
          Ref.modify(passes, (all): [Requeue, ReadonlyArray<string>] => [
            all.length === 0 ? Duration.seconds(30) : "when-notified",
            [...all, key]
          ])
      })
      yield* queue.add("web")
      yield* TestClock.adjust("1 second")
      yield* queue.add("web")
      yield* TestClock.adjust("5 minutes")
      assert.lengthOf(yield* Ref.get(passes), 2)
    })
  )

  it.scoped("gives what nobody waits for one turn in eight while others wait, and all of them otherwise", () =>
    Effect.gen(function* () {
      const passes = yield* Ref.make<ReadonlyArray<string>>([])
      const queue = yield* makeWorkQueue({ reconcile: slow(passes), backoff, concurrency: 1 })
      for (let at = 0; at < 30; at++) yield* queue.addLater(`later ${at}`)
      for (let at = 0; at < 20; at++) yield* queue.add(`soon ${at}`)
      yield* TestClock.adjust("300 seconds")
      const served = yield* Ref.get(passes)
      assert.lengthOf(served, 50)
      const lastSoon = served.indexOf("soon 19")
      assert.isAtMost(lastSoon, 24)
      assert.isAtLeast(served.slice(0, lastSoon).filter((key) => key.startsWith("later")).length, 2)
      for (const lane of ["soon", "later"]) {
        const inLane = served.filter((key) => key.startsWith(lane))
        assert.deepStrictEqual(
          inLane,
          inLane.toSorted((a, b) => Number(a.split(" ")[1]) - Number(b.split(" ")[1]))
        )
      }
    })
  )

  it.scoped("finishes what has begun before it begins more, and begins one in eight all the same", () =>
    Effect.gen(function* () {
      const passes = yield* Ref.make<ReadonlyArray<string>>([])
      const queue = yield* makeWorkQueue({ reconcile: slow(passes), backoff, concurrency: 1 })
      for (let at = 0; at < 10; at++) yield* queue.addLater(`later ${at}`)
      for (let at = 0; at < 10; at++) yield* queue.add(`soon ${at}`)
      for (let at = 0; at < 40; at++) yield* queue.addFirst(`first ${at}`)
      yield* queue.addFirst("later 9")
      yield* TestClock.adjust("600 seconds")
      const served = yield* Ref.get(passes)
      assert.lengthOf(served, 60)
      const last = served.indexOf("later 9")
      assert.isAtMost(last, 56)
      const before = served.slice(0, served.indexOf("first 39"))
      for (const lane of ["soon", "later"]) {
        const share = before.filter((key) => key.startsWith(lane)).length
        assert.isTrue(share >= 5 && share <= 7, `${lane}: ${share}`)
      }
    })
  )

  it.scoped("remembers of what is announced during a pass that it has begun, or asks for another look", () =>
    Effect.gen(function* () {
      const passes = yield* Ref.make<ReadonlyArray<string>>([])
      const pauses = new Map([["timed", [Duration.seconds(1)]]])
      const queue = yield* makeWorkQueue({
        reconcile: (key) => slow(passes, pauses.get(key)?.pop())(key),
        backoff,
        concurrency: 2
      })
      yield* queue.add("begun")
      yield* queue.add("timed")
      yield* TestClock.adjust("1 second")
      for (let at = 0; at < 100; at++) yield* queue.add(`soon ${at}`)
      yield* queue.addFirst("begun")
      yield* queue.add("begun")
      yield* TestClock.adjust("10 minutes")
      const served = yield* Ref.get(passes)
      assert.isAtMost(served.lastIndexOf("begun"), 4)
      assert.isAtMost(served.lastIndexOf("timed"), 6)
      assert.lengthOf(served, 104)
    })
  )

  it.scoped("brings a key forward that somebody waits for now, and works on it once", () =>
    Effect.gen(function* () {
      const passes = yield* Ref.make<ReadonlyArray<string>>([])
      const queue = yield* makeWorkQueue({ reconcile: slow(passes), backoff, concurrency: 1 })
      for (let at = 0; at < 5; at++) yield* queue.addLater(`later ${at}`)
      yield* queue.addLater("web")
      yield* queue.add("web")
      assert.deepStrictEqual(yield* queue.size, { waiting: 6, active: 0 })
      yield* TestClock.adjust("1 minute")
      const served = yield* Ref.get(passes)
      assert.isAtMost(served.indexOf("web"), 1)
      assert.lengthOf(served, 6)
      assert.deepStrictEqual(yield* queue.size, { waiting: 0, active: 0 })
    })
  )
})
