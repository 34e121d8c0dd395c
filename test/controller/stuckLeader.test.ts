import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Schedule, Schema } from "effect"
import type { Nomad } from "../../src/nomad/Nomad.ts"
import { freePort } from "../support/freePort.ts"
import { record, setStage, withTests } from "../zoo/support/Stage.ts"

const Health = Schema.parseJson(Schema.Struct({ leader: Schema.Struct({ self: Schema.Boolean }) }))

const leads = (port: number) =>
  Effect.tryPromise(async (signal) => (await fetch(`http://127.0.0.1:${port}/health`, { signal })).text()).pipe(
    Effect.flatMap(Schema.decodeUnknown(Health)),
    Effect.map(({ leader }) => leader.self)
  )

const isReady = (port: number) =>
  Effect.tryPromise(async (signal) => (await fetch(`http://127.0.0.1:${port}/ready`, { signal })).status === 200)

const within = <E>(seconds: number, what: string, holds: Effect.Effect<boolean, E>) =>
  holds.pipe(
    Effect.filterOrFail((yes) => yes),
    Effect.retry(Schedule.intersect(Schedule.spaced("100 millis"), Schedule.recurs(seconds * 10))),
    Effect.orDieWith(() => new Error(`not within ${seconds} s: ${what}`)),
    Effect.timed,
    Effect.map(([taken]) => taken)
  )

describe("a leader whose work stands still", () => {
  it.scopedLive("gives its office up, so that another one goes on, and no step is done twice", () =>
    Effect.gen(function* () {
      const stage = yield* setStage
      const [first, second] = [yield* freePort, yield* freePort]
      const registered: Array<string> = []
      const open = yield* Deferred.make<void>()
      let wedged = false
      const noting = (nomad: Nomad["Type"]): Nomad["Type"] => ({
        ...nomad,
        register: (...given) =>
          Effect.zipLeft(
            nomad.register(...given),
            Effect.sync(() => registered.push(given[0].ID))
          )
      })
      // It can't even be interrupted.
      const stuck = Effect.suspend(() => (wedged ? Effect.uninterruptible(Deferred.await(open)) : Effect.void))
      const environment = { WATCHDOG_PATIENCE: "2s" }
      yield* stage.serve({
        environment: { ...environment, SERVER_PORT: String(first) },
        nomad: (nomad) => {
          const noted = noting(nomad)
          return {
            ...noted,
            job: (id) => Effect.zipRight(stuck, noted.job(id)),
            // Also between what was announced and what is done.
            register: (...given) => Effect.zipRight(stuck, noted.register(...given))
          }
        }
      })
      yield* stage.put("well", record("well"))
      yield* stage.ended("well")
      const healthy = yield* stage.serve({
        environment: { ...environment, SERVER_PORT: String(second) },
        nomad: noting
      })
      yield* within(10, "the second one serves", isReady(second))
      assert.deepStrictEqual([yield* leads(first), yield* leads(second)], [true, false])

      wedged = true
      const names = ["one", "two", "three"]
      for (const name of names) yield* stage.put(name, record(name, withTests))
      yield* within(
        10,
        "red",
        Effect.map(isReady(first), (ready) => !ready)
      )
      yield* within(30, "the other leads", leads(second))
      for (const name of names) assert.strictEqual((yield* stage.ended(name)).status, "SUCCEEDED")
      assert.deepStrictEqual([yield* leads(first), yield* isReady(first)], [false, false])

      // What comes to itself finds that nothing of it is wanted.
      yield* Deferred.succeed(open, undefined)
      wedged = false
      yield* within(10, "green", isReady(first))
      assert.deepStrictEqual([yield* leads(first), yield* leads(second)], [false, true])
      assert.deepStrictEqual(registered, [...new Set(registered)])
      for (const name of names) {
        const { attempts } = yield* stage.ended(name)
        assert.isTrue(attempts.every(({ attempt }) => attempt === 1))
      }

      // It stands again.
      yield* Fiber.interrupt(healthy)
      yield* within(15, "the first one leads again", leads(first))
      yield* stage.put("last", record("last"))
      assert.strictEqual((yield* stage.ended("last")).status, "SUCCEEDED")
    })
  )

  it.scopedLive("that is alone leads again, and does what it did not come to", () =>
    Effect.gen(function* () {
      const stage = yield* setStage
      const wedged = yield* Deferred.make<void>()
      let calls = 0
      yield* stage.serve({
        environment: { WATCHDOG_PATIENCE: "1s" },
        nomad: (nomad) => ({
          ...nomad,
          // The first answer never comes.
          allocations: (id) =>
            calls++ === 0 ? Effect.zipRight(Deferred.succeed(wedged, undefined), Effect.never) : nomad.allocations(id)
        })
      })
      yield* stage.put("alone", record("alone"))
      yield* Deferred.await(wedged)
      assert.strictEqual((yield* stage.ended("alone", "30 seconds")).status, "SUCCEEDED")
    })
  )
})
