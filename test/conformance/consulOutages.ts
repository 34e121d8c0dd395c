import { assert, describe, it } from "@effect/vitest"
import { Chunk, Effect, Fiber, Logger, Option, Ref, type Scope, Stream } from "effect"
import type { Consul } from "../../src/consul/Consul.ts"
import { TxnOp } from "../../src/consul/Transaction.ts"
import { makeEndpoint } from "../../src/http/Transport.ts"
import { consulClient } from "../support/consulClient.ts"
import { eventually, utf8 } from "./consulArea.ts"
import { part } from "./part.ts"

/** An agent that a test may do with what it wants. */
export interface OwnAgent {
  readonly address: string
  /** Without a farewell; done once it can be worked with again. */
  readonly restart: Effect.Effect<void>
}

/** One that another has to agree with before anything is decided. */
export interface LeaningAgent {
  readonly address: string
  readonly killOther: Effect.Effect<void>
  readonly startOther: Effect.Effect<void>
}

export interface OutageOptions {
  /** What keeps its data has it again after a restart. */
  readonly startAgent: (keepsData: boolean) => Effect.Effect<OwnAgent, never, Scope.Scope>
  /** None: the engine is one server that always leads. */
  readonly startLeaning?: Effect.Effect<LeaningAgent, never, Scope.Scope>
}

const quiet = Effect.provide(Logger.remove(Logger.defaultLogger))

/** All that a watch says until it says this. */
const watched = (consul: Consul["Type"], prefix: string, last: ReadonlyArray<string>) =>
  consul.watchKeys(prefix).pipe(
    Stream.map(({ value }) => value.map((key) => key.slice(prefix.length))),
    Stream.takeUntil((names) => names.join() === last.join()),
    Stream.runCollect,
    Effect.map((states) => Chunk.toReadonlyArray(Chunk.dedupeAdjacent(Chunk.map(states, (names) => names.join())))),
    quiet,
    Effect.fork
  )

/** As a candidate for the office has it: a service, its check, a session that lives on it, and a key held with it. */
const candidate = Effect.fnUntraced(function* (consul: Consul["Type"]) {
  yield* register(consul)
  yield* consul.updateTtlCheck("beat", "passing", "alive")
  const create = consul.createSession({
    name: "candidate",
    lockDelay: "1 second",
    behavior: "release",
    checks: { service: ["beat"] }
  })
  const session = Option.getOrThrow(yield* eventually("the check is known", Effect.option(create), Option.isSome, 5000))
  assert.isTrue(yield* consul.acquire("office", "mine", session))
  return session
})

/** How often a key that is there was said not to be, until interrupted. */
const countAbsences = (consul: Consul["Type"], key: string) =>
  Effect.gen(function* () {
    const absences = yield* Ref.make(0)
    const look = consul.get(key, { consistent: true }).pipe(
      Effect.tap((entry) => (Option.isNone(entry) ? Ref.update(absences, (count) => count + 1) : Effect.void)),
      Effect.ignore
    )
    yield* Effect.forkScoped(Effect.forever(Effect.zipRight(look, Effect.sleep("5 millis"))))
    return Ref.get(absences)
  })

const register = (consul: Consul["Type"]) =>
  consul.registerService({
    id: "candidate",
    name: "candidate",
    checks: [{ id: "beat", name: "beat", ttl: "1 minute", status: "passing" }]
  })

export const outageConformance = ({ startAgent, startLeaning }: OutageOptions): void => {
  describe("an agent that is started again", () => {
    it.scopedLive(
      "with all gone that it held knows no session and no check, and a watch goes on from a lower index",
      () =>
        Effect.gen(function* () {
          const agent = yield* startAgent(false)
          const consul = yield* consulClient({ origin: agent.address })
          const session = yield* candidate(consul)
          const renewed = yield* consul.createSession({
            name: "ttl",
            ttl: "10 seconds",
            lockDelay: 0,
            behavior: "release"
          })
          for (let count = 0; count < 30; count += 1) yield* consul.put("w/a", String(count))
          const { index } = yield* consul.list("w/")
          const states = yield* watched(consul, "w/", ["b"])
          yield* Effect.sleep("300 millis")
          yield* agent.restart
          const gone = [
            yield* Effect.flip(consul.updateTtlCheck("beat", "passing", "alive")),
            yield* Effect.flip(consul.renewSession(renewed)),
            yield* Effect.flip(consul.acquire("office", "mine", session))
          ]
          assert.deepStrictEqual(
            gone.map(({ _tag }) => _tag),
            ["NotFound", "NotFound", "Conflict"]
          )
          assert.deepStrictEqual(yield* consul.get("office", { consistent: true }), Option.none())
          assert.deepStrictEqual(yield* consul.healthService("candidate", false), [])
          yield* consul.put("w/b", "1")
          assert.isBelow((yield* consul.list("w/")).index, index)
          assert.deepStrictEqual([(yield* Fiber.join(states))[0], "b"], ["a", "b"])
        })
    )

    it.scopedLive(
      "with what it kept has its keys at their indexes, its services, and the sessions that are reported in time",
      () =>
        Effect.gen(function* () {
          const agent = yield* startAgent(true)
          const consul = yield* consulClient({ origin: agent.address })
          const session = yield* candidate(consul)
          yield* consul.put("w/a", "1")
          const before = { list: yield* consul.list(""), office: yield* consul.get("office") }
          const states = yield* watched(consul, "w/", ["a", "b"])
          yield* Effect.sleep("300 millis")
          yield* consul.updateTtlCheck("beat", "passing", "alive")
          const absences = yield* countAbsences(consul, "w/a")
          yield* agent.restart
          yield* consul.updateTtlCheck("beat", "passing", "alive")
          assert.deepStrictEqual({ list: yield* consul.list(""), office: yield* consul.get("office") }, before)
          assert.strictEqual(Option.getOrThrow(yield* consul.sessionInfo(session)).id, session)
          assert.isTrue(yield* consul.acquire("office", "still mine", session))
          yield* eventually(
            "the service passes",
            consul.healthService("candidate", true),
            (instances) => instances.length === 1,
            3000
          )
          yield* consul.put("w/b", "1")
          assert.isAbove((yield* consul.list("w/")).index, before.list.index)
          const seen = yield* Fiber.join(states)
          // A server that has just begun to lead may answer from before it read its log, unless it is to be consistent.
          assert.deepStrictEqual([seen[0], seen.at(-1)], ["a", "a,b"])
          assert.strictEqual(yield* absences, 0)
        })
    )
  })

  const lacking = startLeaning === undefined ? "it is one server, which always leads and makes no copies" : undefined
  part("a cluster of servers", lacking, () => {
    it.scopedLive(
      "that has lost its leader is Unavailable but for the agent's own calls, and goes on where it stood when it has one again",
      () =>
        Effect.gen(function* () {
          const agent = yield* startLeaning ?? Effect.dieMessage("not asked for")
          const consul = yield* consulClient({ origin: agent.address })
          const session = yield* candidate(consul)
          yield* consul.put("w/a", "1")
          const states = yield* watched(consul, "w/", ["a", "b"])
          yield* Effect.sleep("300 millis")
          yield* agent.killOther
          const noLeader = yield* eventually(
            "the leader is lost",
            Effect.flip(Effect.zipRight(consul.leader(), Effect.fail({ detail: "" }))),
            ({ detail }) => detail === "no cluster leader",
            15_000
          )
          assert.deepInclude(noLeader, { _tag: "Unavailable" })
          const refused = yield* Effect.all(
            [
              consul.get("w/a"),
              consul.get("office", { consistent: true }),
              consul.list("w/"),
              consul.keys("w/"),
              consul.put("w/c", "1"),
              consul.putCas("w/c", "1", 0),
              consul.delete("w/a"),
              consul.acquire("office", "mine", session),
              consul.release("office", session),
              consul.transaction([TxnOp.Set({ key: "w/c", value: "1" })]),
              consul.transaction([TxnOp.Get({ key: "w/a" })]),
              consul.transaction([TxnOp.Get({ key: "w/a" })], { consistent: true }),
              consul.createSession({ name: "new", lockDelay: 0, behavior: "release" }),
              consul.renewSession(session),
              consul.destroySession(session),
              consul.healthService("candidate", true)
            ].map((call) => Effect.flip(call)),
            { concurrency: 4 }
          )
          assert.deepStrictEqual(
            refused.map(({ _tag, detail }) => [_tag, detail]),
            refused.map(() => ["Unavailable", "No cluster leader"])
          )
          // The agent takes reports as ever: that they are taken proves nothing about the servers.
          yield* consul.updateTtlCheck("beat", "passing", "alive")
          assert.isTrue((yield* consul.agentSelf()).server)
          yield* register(consul)
          yield* agent.startOther
          const office = yield* eventually(
            "the key can be read",
            Effect.option(consul.get("office", { consistent: true })),
            Option.isSome,
            15_000
          )
          const held = Option.getOrThrow(Option.flatten(office))
          assert.deepStrictEqual([held.session, utf8(held.value)], [session, "mine"])
          yield* consul.put("w/b", "1")
          assert.deepStrictEqual(yield* Fiber.join(states), ["a", "a,b"])
        }),
      60_000
    )

    it.scopedLive(
      "that is restored from a copy tells a watch the older state, with the next change or when its wait is over",
      () =>
        Effect.gen(function* () {
          const { address } = yield* startAgent(true)
          const consul = yield* consulClient({ origin: address })
          const endpoint = yield* makeEndpoint({ origin: address })
          yield* consul.put("w/a", "1")
          yield* consul.put("still/a", "1")
          const copy = yield* endpoint.request({ method: "GET", path: "/v1/snapshot", timeout: "10 seconds" })
          yield* consul.put("w/b", "1")
          yield* consul.put("still/b", "1")
          const [changing, still] = [yield* watched(consul, "w/", ["a", "c"]), yield* watched(consul, "still/", ["a"])]
          yield* Effect.sleep("300 millis")
          yield* endpoint.request({ method: "PUT", path: "/v1/snapshot", body: copy.body, timeout: "10 seconds" })
          yield* consul.put("w/c", "1")
          assert.deepStrictEqual(yield* Fiber.join(changing), ["a,b", "a,c"])
          assert.deepStrictEqual(yield* Fiber.join(still), ["a,b", "a"])
        }),
      60_000
    )
  })
}
