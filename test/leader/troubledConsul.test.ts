import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Exit, Logger, Option, Scope } from "effect"
import { startEmbeddedConsul } from "../../src/embedded/consul/EmbeddedConsul.ts"
import { consulClient } from "../support/consulClient.ts"
import type { Seen } from "../support/ScriptedServer.ts"
import { candidate, standing } from "./candidates.ts"
import { consulProxy, type Fate } from "./ConsulProxy.ts"

const key = "jobforge-service/leader"

const setUp = Effect.gen(function* () {
  const { address } = yield* startEmbeddedConsul({ host: "127.0.0.1", port: 0 })
  return { address, proxy: yield* consulProxy(address) }
})

const ofAgent = ({ url }: Seen): boolean => url.startsWith("/v1/agent/")

/** The agent answers what it can by itself. */
const leaderless = (request: Seen): Fate => (ofAgent(request) ? "pass" : "no leader")

describe("a leader whose Consul is in trouble", { timeout: 60_000 }, () => {
  it.scopedLive("stays for 2 s without a Consul leader, and for no more than it can answer for", () =>
    Effect.gen(function* () {
      const { proxy } = yield* setUp
      const one = yield* candidate(proxy.origin, key, "one:1")
      const first = yield* Scope.make()
      const { lost } = yield* Scope.extend(one.term, first)
      const watching = yield* Effect.forkScoped(Effect.flip(lost))
      yield* proxy.rule(leaderless)
      yield* Effect.sleep(2000)
      yield* proxy.rule(() => "pass")
      yield* Effect.sleep(4000)
      assert.isTrue(Option.isNone(yield* watching.poll))

      yield* proxy.rule(leaderless)
      const from = yield* Clock.currentTimeMillis
      const { reason } = yield* watching.await.pipe(Effect.flatten)
      const took = (yield* Clock.currentTimeMillis) - from
      assert.isBelow(took, 3600)
      assert.isAbove(took, 2500)
      assert.include(reason, "the servers confirmed nothing for 35")
      assert.include(reason, "500 No cluster leader")
      yield* proxy.rule(() => "pass")
      yield* Scope.close(first, Exit.void)
      yield* one.acquire
    })
  )

  it.scopedLive("stops before another can follow when its agent is cut off and still says yes", () =>
    Effect.gen(function* () {
      const { address, proxy } = yield* setUp
      const one = yield* candidate(proxy.origin, key, "one:1")
      const { lost } = yield* one.acquire
      const two = yield* candidate(address, key, "two:2")
      const second = yield* standing(two.acquire)
      const { session } = Option.getOrThrow(yield* (yield* consulClient({ origin: address })).get(key))
      yield* proxy.rule((request) => (ofAgent(request) ? "pass" : "hang"))
      // The servers notice that the node is gone and end its sessions, at the earliest 4 s later.
      yield* Effect.forkScoped(
        Effect.gen(function* () {
          yield* Effect.sleep(4000)
          yield* (yield* consulClient({ origin: address })).destroySession(session ?? "")
        })
      )
      yield* Effect.flip(lost)
      assert.isFalse(yield* second.leads)
      yield* second.elected
    })
  )

  it.scopedLive("stands with a plain TTL session where the agent takes no check, and says so once", () =>
    Effect.gen(function* () {
      const { address, proxy } = yield* setUp
      const said: Array<unknown> = []
      yield* Effect.gen(function* () {
        yield* proxy.rule((request) => (ofAgent(request) ? "denied" : "pass"))
        const consul = yield* consulClient({ origin: address })
        const one = yield* candidate(proxy.origin, key, "one:1")
        for (const round of [1, 2]) {
          const term = yield* Scope.make()
          const { lost } = yield* Scope.extend(one.term, term)
          const { session } = Option.getOrThrow(yield* consul.get(key))
          const info = Option.getOrThrow(yield* consul.sessionInfo(session ?? ""))
          assert.strictEqual(info.ttl, "10000ms")
          // Longer than one pause between two renewals.
          if (round === 1) yield* Effect.sleep(4000)
          yield* consul.destroySession(session ?? "")
          yield* Effect.flip(lost)
          yield* Scope.close(term, Exit.void)
        }
      }).pipe(
        Effect.provide(
          Logger.replace(
            Logger.defaultLogger,
            Logger.make(({ message }) => said.push(message))
          )
        )
      )
      const warnings = said.filter((message) => String(message).includes("no agent check"))
      assert.lengthOf(warnings, 1)
      assert.isAtLeast(proxy.seen.filter(({ url }) => url.startsWith("/v1/session/renew/")).length, 2)
    })
  )

  it.scopedLive("waits for the key without asking for it", () =>
    Effect.gen(function* () {
      const { address, proxy } = yield* setUp
      const one = yield* candidate(address, key, "one:1")
      yield* one.acquire
      const two = yield* candidate(proxy.origin, key, "two:2")
      yield* standing(two.acquire)
      yield* Effect.sleep(1000)
      const before = proxy.seen.length
      yield* Effect.sleep(4000)
      const asked = proxy.seen.slice(before).filter((request) => !ofAgent(request))
      assert.deepStrictEqual(asked, [])
    })
  )
})
