import { assert, describe, it } from "@effect/vitest"
import { Clock, Context, Deferred, Effect, Exit, Fiber, Layer, Option, Scope, TestClock } from "effect"
import * as ConsulLock from "../../src/leader/ConsulLock.ts"
import { LeaderLock, type Lease } from "../../src/leader/LeaderLock.ts"
import { LeaderStatus } from "../../src/leader/LeaderStatus.ts"
import { Pacemaker } from "../../src/leader/Pacemaker.ts"
import { denied, modelConsul, noLeader, unknownCheck } from "./ModelConsul.ts"

const setUp = Effect.gen(function* () {
  const consul = yield* modelConsul
  const context = yield* Layer.build(
    ConsulLock.layer({ key: "leader", address: "here:1" }).pipe(
      Layer.provide(Pacemaker.layerFiber),
      Layer.provide(consul.layer)
    )
  )
  const { acquire } = Context.get(context, LeaderLock)
  const elected = yield* Deferred.make<Lease>()
  const term = yield* Scope.make()
  yield* Effect.forkScoped(Effect.flatMap(Scope.extend(acquire, term), (lease) => Deferred.succeed(elected, lease)))
  return {
    acquire,
    consul,
    elected,
    resign: Scope.close(term, Exit.void),
    status: Context.get(context, LeaderStatus).current
  }
})

/** Elected in an empty world, and watching for the end: the clock time at which it comes, and why. */
const inOffice = Effect.gen(function* () {
  const world = yield* setUp
  yield* TestClock.adjust("1 second")
  const { lost } = yield* Deferred.await(world.elected)
  const end = yield* Effect.forkScoped(
    Effect.gen(function* () {
      const { reason } = yield* Effect.flip(lost)
      return { reason, at: yield* Clock.currentTimeMillis }
    })
  )
  return { ...world, end, leads: Effect.map(end.poll, Option.isNone) }
})

describe("the lock on virtual time", () => {
  it.scoped("leads for as long as Consul says yes", () =>
    Effect.gen(function* () {
      const { leads, status } = yield* inOffice
      yield* TestClock.adjust("1 minute")
      assert.isTrue(yield* leads)
      const view = yield* status
      assert.isTrue(view.isLeader)
      assert.strictEqual(Option.getOrThrow(view.holder).address, "here:1")
      assert.strictEqual(view.transitions, 0)
    })
  )

  it.scoped("reports at least every second and asks the servers at least every second", () =>
    Effect.gen(function* () {
      const { consul } = yield* inOffice
      const [beats, reads] = [yield* consul.count("beat"), yield* consul.count("confirm")]
      yield* TestClock.adjust("1 minute")
      assert.isAtLeast((yield* consul.count("beat")) - beats, 60)
      assert.isAtLeast((yield* consul.count("confirm")) - reads, 60)
    })
  )

  it.scoped("outlives 2 s without a Consul leader, again and again", () =>
    Effect.gen(function* () {
      const { consul, leads } = yield* inOffice
      for (let round = 0; round < 10; round++) {
        yield* consul.make("confirm", noLeader)
        yield* TestClock.adjust("2 seconds")
        yield* consul.clear
        yield* TestClock.adjust("1300 millis")
      }
      assert.isTrue(yield* leads)
    })
  )

  it.scoped("ends 3.5 s after the sending of the last read that the servers answered, whatever the agent says", () =>
    Effect.gen(function* () {
      const { consul, end, status } = yield* inOffice
      // An answer that took long is as old as its question.
      yield* consul.make("confirm", 900)
      yield* TestClock.adjust("5 seconds")
      const sent = yield* consul.last("confirm")
      yield* TestClock.adjust("1 second")
      const answered = (yield* consul.last("confirm")) > sent ? yield* consul.last("confirm") : sent
      yield* consul.make("confirm", "silence")
      yield* TestClock.adjust("10 seconds")
      const { at, reason } = yield* Fiber.join(end)
      assert.strictEqual(at, answered + 3500)
      assert.include(reason, "the servers confirmed nothing")
      assert.isFalse((yield* status).isLeader)
    })
  )

  it.scoped("ends 3.5 s after the sending of the last report that the agent took", () =>
    Effect.gen(function* () {
      const { consul, end } = yield* inOffice
      const sent = yield* consul.last("beat")
      yield* consul.make("beat", noLeader)
      yield* TestClock.adjust("10 seconds")
      const { at, reason } = yield* Fiber.join(end)
      assert.strictEqual(at, sent + 3500)
      assert.include(reason, "no report was taken")
      assert.include(reason, "No cluster leader")
    })
  )

  it.scoped("ends with a report that came after the check may have run out", () =>
    Effect.gen(function* () {
      const { consul, end } = yield* inOffice
      const sent = yield* consul.last("beat")
      yield* consul.make("beat", "silence")
      yield* TestClock.adjust(sent + 2600 - (yield* Clock.currentTimeMillis))
      yield* consul.make("beat", 500)
      yield* TestClock.adjust("800 millis")
      const { reason } = yield* Fiber.join(end)
      assert.include(reason, "so late")
    })
  )

  it.scoped("ends at once when the agent no longer knows the check", () =>
    Effect.gen(function* () {
      const { consul, end } = yield* inOffice
      yield* consul.make("beat", unknownCheck)
      yield* TestClock.adjust("750 millis")
      assert.include((yield* Fiber.join(end)).reason, "no longer knows")
    })
  )

  it.scoped("ends at once when the watch tells that the key has another holder", () =>
    Effect.gen(function* () {
      const { consul, end, status } = yield* inOffice
      yield* consul.held("another", JSON.stringify({ address: "there:2", id: "2", since: "2026-01-01T00:00:00.000Z" }))
      yield* TestClock.adjust(0)
      yield* Fiber.join(end)
      const view = yield* status
      assert.isFalse(view.isLeader)
      assert.strictEqual(Option.getOrThrow(view.holder).address, "there:2")
      assert.deepStrictEqual(view.since, Option.some(Date.parse("2026-01-01T00:00:00.000Z")))
      assert.strictEqual(view.transitions, 1)
    })
  )

  it.scoped("waits out a lock delay, trying about ten times a second", () =>
    Effect.gen(function* () {
      const { consul, elected } = yield* setUp
      yield* consul.barFor(1000)
      yield* TestClock.adjust("990 millis")
      assert.isFalse(yield* Deferred.isDone(elected))
      assert.isAtMost(yield* consul.count("acquire"), 14)
      yield* TestClock.adjust("150 millis")
      assert.isTrue(yield* Deferred.isDone(elected))
    })
  )

  it.scoped("asks for nothing while another holds the key", () =>
    Effect.gen(function* () {
      const world = yield* setUp
      yield* world.consul.held("another")
      yield* TestClock.adjust("1 minute")
      assert.isFalse(yield* Deferred.isDone(world.elected))
      assert.isAtMost(yield* world.consul.count("acquire"), 1)
      assert.strictEqual(yield* world.consul.count("confirm"), 0)
      assert.isAbove(yield* world.consul.count("beat"), 60)
      yield* world.consul.held(undefined)
      yield* TestClock.adjust("1 milli")
      assert.isTrue(yield* Deferred.isDone(world.elected))
    })
  )

  it.scoped("stands again with a new session after a standby's has lapsed", () =>
    Effect.gen(function* () {
      const { consul, elected } = yield* setUp
      yield* consul.held("another")
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* consul.count("session"), 1)
      yield* consul.make("beat", noLeader)
      yield* TestClock.adjust("4 seconds")
      yield* consul.clear
      yield* TestClock.adjust("4 seconds")
      assert.isAtLeast(yield* consul.count("session"), 2)
      yield* consul.held(undefined)
      yield* TestClock.adjust("1 milli")
      assert.isTrue(yield* Deferred.isDone(elected))
    })
  )

  it.scoped("stands as soon as Consul answers, however long that takes", () =>
    Effect.gen(function* () {
      const { consul, elected } = yield* setUp
      yield* consul.make("register", noLeader)
      yield* consul.make("session", noLeader)
      yield* TestClock.adjust("30 seconds")
      assert.isFalse(yield* Deferred.isDone(elected))
      yield* consul.clear
      yield* TestClock.adjust("2 seconds")
      assert.isTrue(yield* Deferred.isDone(elected))
    })
  )

  it.scoped("gives up the key by releasing it, and within its time when Consul is silent", () =>
    Effect.gen(function* () {
      const { consul, resign } = yield* inOffice
      yield* resign
      assert.isTrue(Option.isNone(yield* consul.holder))
      const { consul: other, resign: leave } = yield* inOffice
      yield* other.make("release", "silence")
      const leaving = yield* Effect.forkScoped(leave)
      yield* TestClock.adjust("1 second")
      assert.isTrue(Option.isSome(yield* leaving.poll))
    })
  )

  it.scoped("takes a plain TTL session where the agent denies it a check, or forgets it at once", () =>
    Effect.gen(function* () {
      const refused = yield* setUp
      yield* refused.consul.make("register", denied)
      yield* TestClock.adjust("1 second")
      const { fence } = yield* Deferred.await(refused.elected)
      assert.match(JSON.stringify(fence), /session-\d-ttl/)

      const { acquire, consul, end, resign } = yield* inOffice
      yield* consul.make("beat", unknownCheck)
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(end)
      yield* resign
      const second = yield* Effect.scoped(acquire)
      assert.match(JSON.stringify(second.fence), /session-\d-ttl/)
    })
  )
})
