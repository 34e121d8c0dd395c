import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, Layer, Logger, Option } from "effect"
import { Proxy } from "../../scripts/chaos/Proxy.ts"
import * as ConsulHttp from "../../src/consul/ConsulHttp.ts"
import { startEmbeddedConsul } from "../../src/embedded/consul/EmbeddedConsul.ts"
import * as ConsulLock from "../../src/leader/ConsulLock.ts"
import { LeaderLock, LeadershipLost, whileLeading } from "../../src/leader/LeaderLock.ts"
import * as ThreadPacemaker from "../../src/leader/ThreadPacemaker.ts"
import type { Nomad } from "../../src/nomad/Nomad.ts"
import { consulClient } from "../support/consulClient.ts"
import { eventually } from "../support/eventually.ts"
import { record, setStage, withTests } from "./support/Stage.ts"

const key = "jobforge-service/leader"

/** A Consul, and the lock of a candidate whose connections to it can be cut and held. */
const candidateBehindProxy = Effect.gen(function* () {
  const { address, port } = yield* Effect.orDie(startEmbeddedConsul({ host: "127.0.0.1", port: 0 }))
  const proxy = yield* Effect.acquireRelease(
    Effect.promise(() => Proxy.to(() => port)),
    (made) => Effect.promise(() => made.close())
  )
  const consul = yield* consulClient({ origin: address })
  return { consul, proxy, near: yield* lockAt(proxy.address), direct: yield* lockAt(address) }
})

const lockAt = (origin: string) =>
  Effect.map(
    Layer.build(
      ConsulLock.layer({ key, address: origin.slice(7) }).pipe(
        Layer.provide(Layer.merge(ConsulHttp.layerOf({ origin }), ThreadPacemaker.layerOf({ origin }))),
        Layer.provide(Logger.remove(Logger.defaultLogger))
      )
    ),
    (context) => Context.get(context, LeaderLock)
  )

const countingRegisters =
  (counts: Array<number>, at: number) =>
  (nomad: Nomad["Type"]): Nomad["Type"] => ({
    ...nomad,
    register: (job, options) =>
      Effect.zipRight(
        Effect.sync(() => {
          counts[at] = (counts[at] ?? 0) + 1
        }),
        nomad.register(job, options)
      )
  })

describe("the office", () => {
  it.scopedLive(
    "Z9: a break in the connection, as when Consul elects a leader, costs no office; a session that is gone is noticed",
    () =>
      Effect.gen(function* () {
        const { consul, proxy, near } = yield* candidateBehindProxy
        const lease = yield* near.acquire
        const lost = yield* Effect.fork(Effect.flip(lease.lost))
        for (let cuts = 0; cuts < 3; cuts++) {
          proxy.cut()
          yield* Effect.sleep("600 millis")
        }
        // About as long as an election among Consul's servers takes.
        proxy.hold()
        yield* Effect.sleep("1500 millis")
        proxy.release()
        yield* Effect.sleep("1 second")
        assert.isTrue(Option.isNone(yield* Fiber.poll(lost)))
        const held = Option.getOrThrow(yield* consul.get(key))
        yield* consul.destroySession(held.session ?? "")
        const reason = yield* Effect.timeout(Fiber.join(lost), "4 seconds")
        assert.instanceOf(reason, LeadershipLost)
      }),
    30_000
  )

  it.scopedLive(
    "Z10: whoever can't renew stops before anybody else can take over",
    () =>
      Effect.gen(function* () {
        const { proxy, near, direct } = yield* candidateBehindProxy
        const lease = yield* near.acquire
        const stopped = yield* Effect.fork(Effect.map(Effect.flip(lease.lost), () => performance.now()))
        const other = yield* Effect.fork(Effect.map(direct.acquire, () => performance.now()))
        yield* Effect.sleep("1 second")
        assert.isTrue(Option.isNone(yield* Fiber.poll(other)))
        proxy.hold()
        const elected = yield* Effect.timeout(Fiber.join(other), "15 seconds")
        assert.isBelow(yield* Effect.timeout(Fiber.join(stopped), "1 second"), elected)
        proxy.release()
      }),
    40_000
  )

  it.scopedLive("Z10: work under a lost lease is ended before the process stands for election again", () =>
    Effect.gen(function* () {
      const events: Array<string> = []
      const lose = yield* Effect.makeLatch(false)
      const lock = LeaderLock.of({
        acquire: Effect.sync(() => {
          events.push("elected")
          return {
            fence: Option.none(),
            lost: Effect.zipRight(lose.await, Effect.zipRight(lose.close, new LeadershipLost({ reason: "renewal" })))
          }
        })
      })
      yield* whileLeading(() =>
        Effect.ensuring(
          Effect.never,
          Effect.sync(() => events.push("ended"))
        )
      ).pipe(
        Effect.provideService(LeaderLock, lock),
        Effect.provide(Logger.remove(Logger.defaultLogger)),
        Effect.forkScoped
      )
      yield* eventually(
        "it is elected",
        Effect.sync(() => events.length === 1)
      )
      yield* lose.open
      yield* eventually(
        "it is elected again",
        Effect.sync(() => events.length === 3)
      )
      assert.deepStrictEqual(events, ["elected", "ended", "elected"])
    })
  )

  it.scopedLive(
    "Z13: two replicas side by side, as in a rolling update, do everything once",
    () =>
      Effect.gen(function* () {
        const stage = yield* setStage
        const counts = [0, 0]
        const old = yield* stage.serve({ nomad: countingRegisters(counts, 0) })
        yield* stage.put("before", record("before", withTests))
        yield* stage.until("before", ({ attempts }) => attempts.length > 0)
        yield* stage.serve({ nomad: countingRegisters(counts, 1) })
        const names = ["a", "b", "c", "d", "e"]
        yield* Effect.forEach(names, (name) => stage.put(name, record(name, withTests)))
        yield* stage.until(
          "c",
          ({ status }) => status === "TESTING" || status === "PUBLISHING" || status === "SUCCEEDED"
        )
        assert.strictEqual(counts[1], 0)
        yield* Fiber.interrupt(old)
        for (const name of ["before", ...names]) {
          const status = yield* stage.ended(name)
          assert.strictEqual(status.status, "SUCCEEDED", status.error)
        }
        yield* stage.put("after", record("after"))
        yield* stage.ended("after")
        assert.deepStrictEqual(stage.registry.violations, [])
        assert.lengthOf(stage.registry.publications, 7)
        assert.isAbove(counts[0] ?? 0, 0)
        assert.isAbove(counts[1] ?? 0, 0)
      }),
    60_000
  )

  it.scopedLive(
    "Z21: a replica that doesn't lead registers, stops and writes nothing",
    () =>
      Effect.gen(function* () {
        const stage = yield* setStage
        yield* stage.serve()
        yield* stage.put("first", record("first"))
        yield* stage.ended("first")
        const acts: Array<string> = []
        const noted = <A, E>(what: string, effect: Effect.Effect<A, E>) =>
          Effect.zipRight(
            Effect.sync(() => acts.push(what)),
            effect
          )
        yield* stage.serve({
          consul: (consul) => ({
            ...consul,
            transaction: (ops) => noted("transaction", consul.transaction(ops)),
            put: (name, value) => noted(`put ${name}`, consul.put(name, value))
          }),
          nomad: (nomad) => ({
            ...nomad,
            register: (job, options) => noted("register", nomad.register(job, options)),
            stop: (id, options) => noted("stop", nomad.stop(id, options))
          })
        })
        const names = ["a", "b", "c"]
        yield* Effect.forEach(names, (name) => stage.put(name, record(name, withTests)))
        yield* Effect.forEach(names, (name) => stage.ended(name))
        assert.deepStrictEqual(acts, [])
        assert.lengthOf(stage.registry.publications, 4)
      }),
    60_000
  )
})
