import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Effect, Exit, Logger, Option, Redacted, Scope, Stream } from "effect"
import { ActingToken } from "../../src/consul/ActingToken.ts"
import type { Consul } from "../../src/consul/Consul.ts"
import { TxnOp } from "../../src/consul/Transaction.ts"
import { missingKeys } from "../../src/store/readKeys.ts"
import { consulClient } from "../support/consulClient.ts"
import { consulProgram, startRealConsul } from "../support/RealConsul.ts"
import { startRealConsulServers } from "../support/RealConsulServers.ts"
import { consulConformance } from "./consul.ts"

const program = consulProgram()

const title =
  program === undefined
    ? "a real Consul is not here: put consul on the PATH, or name it in CONSUL_BIN"
    : "a real Consul"

describe.skipIf(program === undefined)(title, () => {
  const scope = Effect.runSync(Scope.make())
  let address = ""

  beforeAll(async () => {
    const started = await Effect.runPromise(Scope.extend(startRealConsul(program ?? ""), scope))
    address = started.address
  })
  afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

  consulConformance("it", () => address, {
    startAgent: (keepsData) =>
      keepsData
        ? Effect.map(startRealConsulServers(program ?? "", 1), ([server]) =>
            server === undefined
              ? assert.fail("no server")
              : { address: server.address, restart: Effect.zipRight(server.kill, server.start) }
          )
        : startRealConsul(program ?? ""),
    startLeaning: Effect.map(startRealConsulServers(program ?? "", 2), ([one, other]) =>
      one === undefined || other === undefined
        ? assert.fail("no two servers")
        : { address: one.address, killOther: other.kill, startOther: other.start }
    )
  })

  it.scopedLive(
    "with ACLs denies single keys and writes by name, and hides lists without a word",
    () =>
      Effect.gen(function* () {
        const master = "7d1b5a3c-0000-4000-8000-00000000abcd"
        const acl = { enabled: true, default_policy: "deny", tokens: { master } }
        const agent = yield* startRealConsul(program ?? "", { acl }, master)
        const allowed = yield* consulClient({ origin: agent.address, token: Redacted.make(master) })
        const anonymous = yield* consulClient({ origin: agent.address })
        const stranger = yield* consulClient({
          origin: agent.address,
          token: Redacted.make("7d1b5a3c-0000-4000-8000-00000000ffff")
        })
        assert.strictEqual((yield* allowed.tokenSelf()).description, "Master Token")
        const own = Effect.provideService(anonymous.tokenSelf(), ActingToken, Option.some(Redacted.make(master)))
        assert.deepStrictEqual(yield* own, yield* allowed.tokenSelf())
        yield* allowed.registerService({ id: "s", name: "s", checks: [{ id: "beat", name: "beat", ttl: "1 minute" }] })
        yield* allowed.put("ci/a", "1")
        assert.isTrue(Option.isSome(yield* allowed.get("ci/a")))
        const session = { name: "s", lockDelay: 0, behavior: "release" } as const
        const denied = [
          yield* Effect.flip(anonymous.get("ci/a")),
          yield* Effect.flip(anonymous.get("ci/none", { consistent: true })),
          yield* Effect.flip(anonymous.put("ci/a", "2")),
          yield* Effect.flip(anonymous.delete("ci/a")),
          yield* Effect.flip(anonymous.createSession(session)),
          yield* Effect.flip(anonymous.registerService({ id: "x", name: "x" })),
          yield* Effect.flip(anonymous.updateTtlCheck("beat", "passing")),
          yield* Effect.flip(anonymous.deregisterService("s")),
          yield* Effect.flip(anonymous.tokenSelf()),
          yield* Effect.flip(stranger.tokenSelf()),
          yield* Effect.flip(stranger.get("ci/a"))
        ]
        assert.deepStrictEqual(
          denied.map(({ _tag }) => _tag),
          denied.map(() => "Denied")
        )
        assert.deepStrictEqual((yield* anonymous.list("ci/")).value, [])
        assert.deepStrictEqual((yield* anonymous.keys("ci/")).value, [])
        assert.deepStrictEqual(yield* anonymous.healthService("s", false), [])
        // A single key that may not be read is an outage, a prefix is empty.
        const first = <A>(watch: Stream.Stream<A>) => Effect.timeoutOption(Stream.runHead(quietly(watch)), "1 second")
        assert.isTrue(Option.isNone(yield* first(anonymous.watchKey("ci/a"))))
        assert.deepStrictEqual(Option.flatten(yield* first(names(anonymous, "ci/"))), Option.some([]))
        const unknown = yield* Effect.flip(allowed.updateTtlCheck("none", "passing"))
        assert.deepStrictEqual([unknown._tag, unknown.detail], ["NotFound", 'Unknown check "none"'])
        const written = yield* anonymous.transaction([TxnOp.Set({ key: "ci/a", value: "2" })])
        const read = yield* anonymous.transaction([TxnOp.Get({ key: "ci/a" })])
        assert.deepStrictEqual(
          [written, read].map((result) => (result._tag === "RolledBack" ? result.errors.map(({ kind }) => kind) : [])),
          [["denied"], ["denied"]]
        )
        // Of a key that is there nobody hears that it isn't, whatever else is asked for with it.
        assert.deepStrictEqual(yield* missingKeys(allowed, ["ci/a", "ci/none"]), ["ci/none"])
        assert.deepStrictEqual(yield* missingKeys(anonymous, ["ci/a"]), [])
        assert.notInclude(yield* missingKeys(anonymous, ["ci/a", "ci/none"]), "ci/a")
      }),
    60_000
  )
})

const quietly = Stream.provideSomeLayer(Logger.remove(Logger.defaultLogger))

const names = (consul: Consul["Type"], prefix: string) => Stream.map(consul.watchKeys(prefix), ({ value }) => value)
