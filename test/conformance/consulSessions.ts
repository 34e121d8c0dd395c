import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Option } from "effect"
import type { CheckDefinition } from "../../src/consul/Agent.ts"
import { area, type Area, eventually } from "./consulArea.ts"

const base = { lockDelay: 0, behavior: "release" } as const

/** A passing TTL check on this node, gone with the test. */
const ttlCheck = ({ consul, id }: Area, ttl: Duration.DurationInput) =>
  Effect.acquireRelease(
    Effect.zipRight(consul.registerCheck({ id, name: id, ttl }), consul.updateTtlCheck(id, "passing")),
    () => Effect.ignore(consul.deregisterCheck(id))
  )

/** The agent tells the servers of a new check in its own time. */
const boundSession = (
  test: Area,
  checks: { readonly node?: ReadonlyArray<string>; readonly service?: ReadonlyArray<string> },
  lockDelay: Duration.DurationInput = 0
) =>
  eventually(
    "the servers know the check",
    Effect.option(test.consul.createSession({ ...base, lockDelay, name: test.id, checks })),
    Option.isSome,
    5000
  ).pipe(Effect.map(Option.getOrThrow))

/** A service with a passing TTL check, as a candidate for the office registers itself; gone with the test. */
const registerBeat = ({ consul, id }: Area, changes: Partial<CheckDefinition> = {}) => {
  const beat = { id: `${id}-beat`, name: "beat", ttl: "1 minute" as const, status: "passing" as const, ...changes }
  return Effect.acquireRelease(consul.registerService({ id, name: id, checks: [beat] }), () =>
    Effect.ignore(consul.deregisterService(id))
  )
}

export const sessionConformance = (address: () => string): void => {
  describe("a session", () => {
    it.scopedLive("is created, told about, renewed and destroyed", () =>
      Effect.gen(function* () {
        const { consul, id } = yield* area(address())
        const { nodeName } = yield* consul.agentSelf()
        const session = yield* consul.createSession({
          name: id,
          ttl: "15 seconds",
          lockDelay: "2 seconds",
          behavior: "delete"
        })
        assert.match(session, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
        const info = Option.getOrThrow(yield* consul.sessionInfo(session))
        assert.deepStrictEqual(
          { ...info, lockDelay: Duration.toMillis(info.lockDelay), createIndex: 0, modifyIndex: 0 },
          {
            id: session,
            name: id,
            node: nodeName,
            lockDelay: 2000,
            behavior: "delete",
            ttl: "15000ms",
            nodeChecks: ["serfHealth"],
            serviceChecks: [],
            createIndex: 0,
            modifyIndex: 0
          }
        )
        assert.deepStrictEqual(yield* consul.renewSession(session), info)
        yield* consul.destroySession(session)
        assert.deepStrictEqual(yield* consul.sessionInfo(session), Option.none())
        yield* consul.destroySession(session)
        const error = yield* Effect.flip(consul.renewSession(session))
        assert.deepStrictEqual([error._tag, error.detail], ["NotFound", `Session id '${session}' not found`])
      })
    )

    it.scopedLive("has a lock delay of 15 s, and lives on the node's own check, unless told otherwise", () =>
      Effect.gen(function* () {
        const { consul, raw } = yield* area(address())
        const { text } = yield* raw("PUT", "/v1/session/create", { body: "{}" })
        const session = /"ID": ?"([^"]+)"/.exec(text)?.[1] ?? ""
        const info = Option.getOrThrow(yield* consul.sessionInfo(session))
        assert.deepStrictEqual(
          [Duration.toSeconds(info.lockDelay), info.behavior, info.nodeChecks, info.ttl],
          [15, "release", ["serfHealth"], undefined]
        )
        yield* consul.destroySession(session)
      })
    )

    it.scopedLive("has a TTL from 10 s to 24 h", () =>
      Effect.gen(function* () {
        const { consul, id } = yield* area(address())
        for (const ttl of ["9 seconds", "86401 seconds"] as const) {
          const error = yield* Effect.flip(consul.createSession({ ...base, name: id, ttl }))
          assert.strictEqual(error._tag, "Invalid")
          assert.include(error.detail, "Invalid Session TTL")
        }
        for (const ttl of ["10 seconds", "24 hours"] as const) {
          yield* consul.destroySession(yield* consul.createSession({ ...base, name: id, ttl }))
        }
      })
    )

    it.scopedLive("is refused with a reason when its node, check, behaviour or TTL makes no sense", () =>
      Effect.gen(function* () {
        const { consul, id, raw } = yield* area(address())
        const node = yield* Effect.flip(consul.createSession({ ...base, name: id, node: "nonesuch" }))
        assert.deepStrictEqual([node._tag, node.detail], ["NotFound", "Missing node registration"])
        const check = yield* Effect.flip(consul.createSession({ ...base, name: id, checks: { node: ["nope"] } }))
        assert.deepStrictEqual([check._tag, check.detail], ["NotFound", "Missing check 'nope' registration"])
        const behaviour = yield* raw("PUT", "/v1/session/create", { body: '{"Behavior":"keep"}' })
        assert.deepStrictEqual([behaviour.status, behaviour.text], [500, "Invalid Behavior setting 'keep'"])
        const ttl = yield* raw("PUT", "/v1/session/create", { body: '{"TTL":"abc"}' })
        assert.strictEqual(ttl.status, 500)
        const malformed = yield* Effect.flip(consul.renewSession("abc"))
        assert.strictEqual(malformed._tag, "Invalid")
      })
    )

    it.scopedLive("is refused while a check that it is bound to is critical", () =>
      Effect.gen(function* () {
        const { consul, id } = yield* area(address())
        yield* Effect.acquireRelease(consul.registerCheck({ id, name: id, ttl: "1 minute" }), () =>
          Effect.ignore(consul.deregisterCheck(id))
        )
        const error = yield* eventually(
          "the servers know the check",
          Effect.flip(consul.createSession({ ...base, name: id, checks: { node: ["serfHealth", id] } })),
          ({ _tag }) => _tag !== "NotFound",
          5000
        )
        assert.deepStrictEqual([error._tag, error.detail], ["Conflict", `Check '${id}' is in critical state`])
      })
    )

    it.scopedLive("ends when a check that it is bound to turns critical", () =>
      Effect.gen(function* () {
        const test = yield* area(address())
        const { consul, id, prefix } = test
        yield* ttlCheck(test, "1 minute")
        const session = yield* boundSession(test, { node: ["serfHealth", id] })
        yield* consul.acquire(`${prefix}lock`, "mine", session)
        assert.deepStrictEqual(Option.getOrThrow(yield* consul.sessionInfo(session)).nodeChecks, ["serfHealth", id])
        yield* consul.updateTtlCheck(id, "warning")
        yield* Effect.sleep("300 millis")
        assert.isTrue(Option.isSome(yield* consul.sessionInfo(session)))
        yield* consul.updateTtlCheck(id, "critical")
        yield* eventually("it ends", consul.sessionInfo(session), Option.isNone, 3000)
        assert.isUndefined(Option.getOrThrow(yield* consul.get(`${prefix}lock`)).session)
      })
    )

    it.scopedLive("ends when a TTL check that it is bound to isn't updated in time", () =>
      Effect.gen(function* () {
        const test = yield* area(address())
        const { consul, id } = test
        yield* ttlCheck(test, "1500 millis")
        const session = yield* boundSession(test, { node: [id] })
        yield* Effect.sleep("1 second")
        yield* consul.updateTtlCheck(id, "passing")
        const start = yield* Clock.currentTimeMillis
        yield* Effect.sleep("1 second")
        assert.isTrue(Option.isSome(yield* consul.sessionInfo(session)))
        yield* eventually("it ends", consul.sessionInfo(session), Option.isNone, 4000)
        assert.isAtLeast((yield* Clock.currentTimeMillis) - start, 1400)
      })
    )

    it.scopedLive("ends when a check that it is bound to is deregistered", () =>
      Effect.gen(function* () {
        const test = yield* area(address())
        yield* ttlCheck(test, "1 minute")
        const session = yield* boundSession(test, { node: [test.id] })
        yield* test.consul.deregisterCheck(test.id)
        yield* eventually("it ends", test.consul.sessionInfo(session), Option.isNone, 3000)
      })
    )

    it.scopedLive("may be bound to the check of a service", () =>
      Effect.gen(function* () {
        const test = yield* area(address())
        const { consul, id } = test
        yield* registerBeat(test)
        const session = yield* boundSession(test, { service: [`${id}-beat`] })
        assert.deepStrictEqual(Option.getOrThrow(yield* consul.sessionInfo(session)).serviceChecks, [`${id}-beat`])
        yield* consul.updateTtlCheck(`${id}-beat`, "critical")
        yield* eventually("it ends", consul.sessionInfo(session), Option.isNone, 3000)
      })
    )

    it.scopedLive("that ended with its check bars what it held for its lock delay", () =>
      Effect.gen(function* () {
        const test = yield* area(address())
        const { consul, id, prefix } = test
        const key = `${prefix}lock`
        yield* registerBeat(test)
        const session = yield* boundSession(test, { service: [`${id}-beat`] }, "1500 millis")
        const other = yield* consul.createSession({ ...base, name: id })
        yield* consul.acquire(key, "mine", session)
        const start = yield* Clock.currentTimeMillis
        yield* consul.updateTtlCheck(`${id}-beat`, "critical")
        yield* eventually("it ends", consul.sessionInfo(session), Option.isNone, 1000)
        assert.isFalse(yield* consul.acquire(key, "other", other))
        yield* eventually("the delay ends", consul.acquire(key, "other", other), (taken) => taken, 4000)
        assert.isAtLeast((yield* Clock.currentTimeMillis) - start, 1400)
        yield* consul.destroySession(other)
      })
    )

    it.scopedLive(
      "lives on when its service and check are registered again, whatever status they are to begin with",
      () =>
        Effect.gen(function* () {
          const test = yield* area(address())
          const { consul, id, prefix } = test
          yield* registerBeat(test)
          const session = yield* boundSession(test, { service: [`${id}-beat`] })
          yield* consul.acquire(`${prefix}lock`, "mine", session)
          const changes: ReadonlyArray<Partial<CheckDefinition>> = [
            {},
            { status: "warning" },
            { status: "critical" },
            { ttl: "50 seconds", notes: "new" }
          ]
          for (const change of changes) {
            yield* registerBeat(test, change)
            yield* Effect.sleep("200 millis")
            assert.isTrue(Option.isSome(yield* consul.sessionInfo(session)))
          }
          assert.strictEqual(Option.getOrThrow(yield* consul.get(`${prefix}lock`)).session, session)
          // The other way round, too: what has failed isn't mended by a new registration, only by a report.
          yield* consul.updateTtlCheck(`${id}-beat`, "critical")
          yield* eventually("it ends", consul.sessionInfo(session), Option.isNone, 3000)
          yield* registerBeat(test)
          const bound = { ...base, name: id, checks: { service: [`${id}-beat`] } }
          assert.strictEqual((yield* Effect.flip(consul.createSession(bound)))._tag, "Conflict")
        })
    )
  })

  describe("a session's TTL", () => {
    it.scopedLive(
      "ends it between one and two TTLs after its last renewal",
      () =>
        Effect.gen(function* () {
          const { consul, id, prefix } = yield* area(address())
          const session = yield* consul.createSession({ ...base, name: id, ttl: "10 seconds" })
          yield* consul.acquire(`${prefix}lock`, "mine", session)
          const start = yield* Clock.currentTimeMillis
          yield* Effect.sleep("9 seconds")
          assert.isTrue(Option.isSome(yield* consul.sessionInfo(session)))
          yield* eventually("it ends", consul.sessionInfo(session), Option.isNone, 13_000)
          const took = (yield* Clock.currentTimeMillis) - start
          assert.isAtLeast(took, 10_000)
          assert.isAtMost(took, 22_000)
          assert.isUndefined(Option.getOrThrow(yield* consul.get(`${prefix}lock`)).session)
          const error = yield* Effect.flip(consul.renewSession(session))
          assert.strictEqual(error._tag, "NotFound")
        }),
      60_000
    )

    it.scopedLive(
      "starts again with each renewal",
      () =>
        Effect.gen(function* () {
          const { consul, id } = yield* area(address())
          const session = yield* consul.createSession({ ...base, name: id, ttl: "10 seconds" })
          for (let beats = 0; beats < 3; beats++) {
            yield* Effect.sleep("7 seconds")
            yield* consul.renewSession(session)
          }
          yield* Effect.sleep("2 seconds")
          assert.isTrue(Option.isSome(yield* consul.sessionInfo(session)))
          yield* consul.destroySession(session)
        }),
      60_000
    )
  })
}
