import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Chunk, Effect, Exit, Fiber, Logger, Option, Redacted, Scope, Stream } from "effect"
import { TxnOp } from "../../src/consul/Transaction.ts"
import { consulClient } from "../support/consulClient.ts"
import { consulProgram, startRealConsul } from "../support/RealConsul.ts"
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

  consulConformance("it", () => address)

  it.scopedLive(
    "may be restarted and lose everything: a watch goes on with what it then holds",
    () =>
      Effect.gen(function* () {
        const agent = yield* startRealConsul(program ?? "")
        const consul = yield* consulClient({ origin: agent.address })
        yield* consul.put("w/a", "1")
        const seen = yield* consul.watchKeys("w/").pipe(
          Stream.takeUntil(({ value }) => value.includes("w/b")),
          Stream.runCollect,
          Effect.provide(Logger.remove(Logger.defaultLogger)),
          Effect.fork
        )
        yield* Effect.sleep("300 millis")
        yield* agent.restart
        yield* consul.put("w/b", "1")
        const states = Chunk.toReadonlyArray(yield* Fiber.join(seen)).map(({ value }) => value)
        assert.deepStrictEqual([states[0], states.at(-1)], [["w/a"], ["w/b"]])
      }),
    60_000
  )

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
          yield* Effect.flip(stranger.get("ci/a"))
        ]
        assert.deepStrictEqual(
          denied.map(({ _tag }) => _tag),
          denied.map(() => "Denied")
        )
        assert.deepStrictEqual((yield* anonymous.list("ci/")).value, [])
        assert.deepStrictEqual((yield* anonymous.keys("ci/")).value, [])
        const written = yield* anonymous.transaction([TxnOp.Set({ key: "ci/a", value: "2" })])
        const read = yield* anonymous.transaction([TxnOp.Get({ key: "ci/a" })])
        assert.deepStrictEqual(
          [written, read].map((result) => (result._tag === "RolledBack" ? result.errors.map(({ kind }) => kind) : [])),
          [["denied"], ["denied"]]
        )
      }),
    60_000
  )
})
