import { assert, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Option, Queue, Ref } from "effect"
import { LeaderLock, LeadershipLost, type Lease, whileLeading } from "../../src/leader/LeaderLock.ts"

it.scoped("closes all that leading opened before it stands again", () =>
  Effect.gen(function* () {
    const story = yield* Ref.make<ReadonlyArray<string>>([])
    const tell = (text: string) => Ref.update(story, (all) => [...all, text])
    const losses = yield* Queue.unbounded<Deferred.Deferred<never, LeadershipLost>>()
    const acquire = Effect.gen(function* () {
      yield* Effect.acquireRelease(tell("elected"), () => tell("released"))
      const loss = yield* Deferred.make<never, LeadershipLost>()
      yield* Queue.offer(losses, loss)
      const lease: Lease = { fence: Option.none(), lost: Deferred.await(loss) }
      return lease
    })
    const work = Effect.gen(function* () {
      yield* Effect.acquireRelease(tell("opened"), () => tell("closed"))
      yield* Effect.forkScoped(Effect.onInterrupt(Effect.never, () => tell("fiber ended")))
      yield* Effect.yieldNow()
      // Ending takes a while: what comes after must wait for it.
      const end = Effect.zipRight(Effect.replicateEffect(Effect.yieldNow(), 20), tell("work ended"))
      return yield* Effect.onInterrupt(Effect.never, () => end)
    })
    const running = yield* Effect.fork(
      Effect.provideService(
        whileLeading(() => work),
        LeaderLock,
        { acquire }
      )
    )
    const first = yield* Queue.take(losses)
    yield* Effect.yieldNow()
    yield* Deferred.fail(first, new LeadershipLost({ reason: "a test" }))
    yield* Queue.take(losses)
    yield* Effect.yieldNow()
    const term = ["elected", "opened", "work ended", "fiber ended", "closed", "released"]
    assert.deepStrictEqual(yield* Ref.get(story), [...term, "elected", "opened"])
    yield* Fiber.interrupt(running)
    assert.deepStrictEqual(yield* Ref.get(story), [...term, ...term])
  })
)

it.scoped("leads alone without a fence", () =>
  Effect.gen(function* () {
    const { acquire } = yield* LeaderLock
    const { fence } = yield* acquire
    assert.isTrue(Option.isNone(fence))
  }).pipe(Effect.provide(LeaderLock.layerAlone))
)
