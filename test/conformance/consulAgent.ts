import { assert, describe, it } from "@effect/vitest"
import { type Duration, Effect, Option, Redacted } from "effect"
import { ActingToken } from "../../src/consul/ActingToken.ts"
import { area, eventually } from "./consulArea.ts"
import { part } from "./part.ts"

export const agentConformance = (address: () => string, lacksPatience: string | undefined): void => {
  describe("the agent", () => {
    it.scopedLive("says who it is, and who leads", () =>
      Effect.gen(function* () {
        const { consul } = yield* area(address())
        const self = yield* consul.agentSelf()
        assert.isTrue(self.server)
        assert.isAbove(self.nodeName.length, 0)
        assert.match(self.nodeId, /^[0-9a-f]{8}-/)
        assert.match(self.version, /^\d+\.\d+\.\d+/)
        assert.isAbove(self.datacenter.length, 0)
        assert.match(yield* consul.leader(), /^[^:]+:\d+$/)
      })
    )

    it.scopedLive("shows a service with its TTL check: critical, then as it was last reported", () =>
      Effect.gen(function* () {
        const { consul, id } = yield* area(address())
        const check = `${id}-beat`
        yield* Effect.acquireRelease(
          consul.registerService({
            id: `${id}-1`,
            name: id,
            address: "127.0.0.1",
            port: 8080,
            tags: ["http", "v1"],
            meta: { metrics_path: "/metrics" },
            checks: [{ id: check, name: "heartbeat", ttl: "1 minute" }]
          }),
          () => Effect.ignore(consul.deregisterService(`${id}-1`))
        )
        const { nodeName } = yield* consul.agentSelf()
        const found = (status: string) =>
          eventually(`it is ${status}`, consul.healthService(id, false), ([first]) => first?.status === status, 5000)
        assert.deepStrictEqual(yield* found("critical"), [
          {
            node: nodeName,
            id: `${id}-1`,
            service: id,
            address: "127.0.0.1",
            port: 8080,
            tags: ["http", "v1"],
            meta: { metrics_path: "/metrics" },
            status: "critical"
          }
        ])
        assert.deepStrictEqual(yield* consul.healthService(id, true), [])
        yield* consul.updateTtlCheck(check, "passing", "all is well")
        yield* found("passing")
        assert.strictEqual((yield* consul.healthService(id, true)).length, 1)
        yield* consul.updateTtlCheck(check, "warning")
        yield* found("warning")
        assert.deepStrictEqual(yield* consul.healthService(id, true), [])
        // Of all instances together, in no order.
        assert.sameMembers([...((yield* consul.catalogServices())[id] ?? [])], ["http", "v1"])
        yield* consul.deregisterService(`${id}-1`)
        yield* eventually("it is gone", consul.healthService(id, false), (all) => all.length === 0, 5000)
        assert.isUndefined((yield* consul.catalogServices())[id])
      })
    )

    it.scopedLive("turns a TTL check critical when it isn't updated in time", () =>
      Effect.gen(function* () {
        const { consul, id } = yield* area(address())
        yield* Effect.acquireRelease(
          consul.registerService({
            id,
            name: id,
            checks: [{ id: `${id}-beat`, name: "beat", ttl: "1 second", status: "passing" }]
          }),
          () => Effect.ignore(consul.deregisterService(id))
        )
        const status = (expected: string) =>
          eventually(expected, consul.healthService(id, false), ([first]) => first?.status === expected, 5000)
        yield* status("passing")
        yield* status("critical")
      })
    )

    it.scopedLive("replaces a service that is registered again, with its checks", () =>
      Effect.gen(function* () {
        const { consul, id, raw } = yield* area(address())
        const register = (check: string, port: number) =>
          consul.registerService({
            id,
            name: id,
            port,
            checks: [{ id: `${id}-${check}`, name: check, ttl: "1 minute", status: "passing" }]
          })
        yield* Effect.acquireRelease(register("one", 1), () => Effect.ignore(consul.deregisterService(id)))
        yield* eventually("it is there", consul.healthService(id, true), (all) => all.length === 1, 5000)
        yield* register("two", 2)
        const [instance] = yield* eventually(
          "it is replaced",
          consul.healthService(id, true),
          ([first]) => first?.port === 2,
          5000
        )
        assert.strictEqual(instance?.port, 2)
        const { text } = yield* raw("GET", `/v1/health/service/${id}`)
        assert.include(text, `${id}-two`)
        assert.notInclude(text, `${id}-one`)
      })
    )

    it.scopedLive("knows nothing of what was never registered", () =>
      Effect.gen(function* () {
        const { consul, id } = yield* area(address())
        assert.deepStrictEqual(yield* consul.healthService(id, false), [])
        yield* consul.deregisterService(id)
        yield* consul.deregisterCheck(id)
        const error = yield* Effect.flip(consul.updateTtlCheck(id, "passing"))
        assert.strictEqual(error._tag, "NotFound")
      })
    )

    it.scopedLive("that has no ACLs can't say whom a token is of", () =>
      Effect.gen(function* () {
        const { consul } = yield* area(address())
        const token = Option.some(Redacted.make("7d1b5a3c-0000-4000-8000-00000000ffff"))
        const error = yield* Effect.flip(Effect.provideService(consul.tokenSelf(), ActingToken, token))
        assert.deepStrictEqual([error._tag, error.detail], ["Denied", "ACL support disabled"])
      })
    )

    it.scopedLive("refuses a service without a name", () =>
      Effect.gen(function* () {
        const { consul, raw } = yield* area(address())
        const error = yield* Effect.flip(consul.registerService({ id: "x", name: "" }))
        assert.strictEqual(error._tag, "Invalid")
        assert.strictEqual((yield* raw("PUT", "/v1/agent/service/register", { body: "{" })).status, 400)
      })
    )
  })

  part("a service whose check stays critical", lacksPatience, () => {
    it.scopedLive(
      "is removed by its agent after the minute that it asked for, and one whose check passes isn't",
      () =>
        Effect.gen(function* () {
          const { consul, id } = yield* area(address())
          const register = (own: string, ttl: Duration.DurationInput) => {
            const check = { id: `${own}-beat`, name: "beat", ttl, status: "passing" } as const
            return Effect.acquireRelease(
              consul.registerService({
                id: own,
                name: id,
                checks: [{ ...check, deregisterCriticalServiceAfter: "1 minute" }]
              }),
              () => Effect.ignore(consul.deregisterService(own))
            )
          }
          yield* register(`${id}-dead`, "1 second")
          yield* register(`${id}-alive`, "10 minutes")
          const left = Effect.map(consul.healthService(id, false), (all) => all.map((instance) => instance.id))
          yield* Effect.sleep("59 seconds")
          assert.sameMembers([...(yield* left)], [`${id}-dead`, `${id}-alive`])
          // The agent looks for such services every 30 s.
          yield* eventually("the dead one is gone", left, (ids) => ids.length === 1, 40_000)
          assert.deepStrictEqual(yield* left, [`${id}-alive`])
        }),
      120_000
    )
  })
}
