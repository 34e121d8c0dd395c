import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Exit, Fiber, Option, Ref, Scope } from "effect"
import { TxnOp } from "../../src/consul/Transaction.ts"
import { whileLeading, LeaderLock } from "../../src/leader/LeaderLock.ts"
import { consulClient } from "../support/consulClient.ts"
import { eventually } from "../support/eventually.ts"
import { candidate, killed, processCandidate, standing } from "./candidates.ts"

const key = "jobforge-service/leader"

/** What election promises, in real time, of whatever Consul `start` starts. */
export const elections = (start: Effect.Effect<string, never, Scope.Scope>): void => {
  const since = (from: number) => Effect.map(Clock.currentTimeMillis, (now) => now - from)

  describe("election", { timeout: 60_000 }, () => {
    it.scopedLive("lets one of two lead, and the other in at once when it goes", () =>
      Effect.gen(function* () {
        const origin = yield* start
        const one = yield* candidate(origin, key, "one:1")
        const two = yield* candidate(origin, key, "two:2")
        yield* one.acquire
        const second = yield* standing(two.acquire)
        yield* eventually(
          "the standby knows who leads",
          Effect.map(two.status, ({ holder }) => Option.exists(holder, ({ address }) => address === "one:1"))
        )
        yield* Effect.sleep(500)
        assert.isFalse(yield* second.leads)
        assert.isFalse((yield* two.status).isLeader)
        assert.isTrue((yield* one.status).isLeader)
        const from = yield* Clock.currentTimeMillis
        yield* Effect.fork(one.quit)
        yield* second.elected
        assert.isBelow(yield* since(from), 1000)
        yield* eventually(
          "the new leader names itself",
          Effect.map(two.status, ({ holder, isLeader, transitions }) => {
            return isLeader && transitions === 1 && Option.exists(holder, ({ address }) => address === "two:2")
          })
        )
      })
    )

    it.scopedLive("leaves nothing behind when it ends", () =>
      Effect.gen(function* () {
        const origin = yield* start
        const consul = yield* consulClient({ origin })
        const one = yield* candidate(origin, key, "one:1")
        yield* one.acquire
        assert.lengthOf(yield* consul.healthService("jobforge-candidate", true), 1)
        yield* one.quit
        const entry = Option.getOrThrow(yield* consul.get(key))
        assert.isUndefined(entry.session)
        assert.lengthOf(entry.value, 0)
        yield* eventually(
          "its service is gone",
          Effect.map(consul.healthService("jobforge-candidate", false), (found) => found.length === 0)
        )
      })
    )

    it.scopedLive("has a new leader at most 5 s after the old one was killed", () =>
      Effect.gen(function* () {
        const origin = yield* start
        const first = yield* processCandidate(origin, key, "one:1")
        yield* eventually("the process leads", Effect.sync(first.leads))
        const two = yield* candidate(origin, key, "two:2")
        const second = yield* standing(two.acquire)
        yield* Effect.sleep(1000)
        const from = yield* Clock.currentTimeMillis
        yield* killed(first.child)
        yield* second.elected
        const took = yield* since(from)
        assert.isBelow(took, 5000)
        // Less would mean that nothing had kept the dead one's session alive.
        assert.isAbove(took, 2500)
      })
    )

    it.scopedLive("has a new leader within a second of asking the old one to end", () =>
      Effect.gen(function* () {
        const origin = yield* start
        const first = yield* processCandidate(origin, key, "one:1")
        yield* eventually("the process leads", Effect.sync(first.leads))
        const two = yield* candidate(origin, key, "two:2")
        const second = yield* standing(two.acquire)
        yield* Effect.sleep(1000)
        const from = yield* Clock.currentTimeMillis
        first.child.kill("SIGTERM")
        yield* second.elected
        assert.isBelow(yield* since(from), 1000)
        // The work was over before the key was given away.
        yield* eventually(
          "it has said so",
          Effect.sync(() => first.count("lost") === 1)
        )
      })
    )

    it.scopedLive("never has two leaders, whatever ends the terms", () =>
      Effect.gen(function* () {
        const origin = yield* start
        const consul = yield* consulClient({ origin })
        const acting = yield* Ref.make<ReadonlyArray<string>>([])
        const most = yield* Ref.make(0)
        const terms = yield* Ref.make(0)
        const work = (name: string) =>
          Effect.gen(function* () {
            yield* Effect.acquireRelease(
              Ref.updateAndGet(acting, (names) => [...names, name]),
              () => Ref.update(acting, (names) => names.filter((other) => other !== name))
            )
            const now = (yield* Ref.get(acting)).length
            yield* Ref.update(most, (known) => Math.max(known, now))
            yield* Ref.update(terms, (count) => count + 1)
            return yield* Effect.never
          })
        const enter = Effect.fnUntraced(function* (name: string) {
          const { term } = yield* candidate(origin, key, name)
          return yield* Effect.forkScoped(
            Effect.provideService(
              whileLeading(() => work(name)),
              LeaderLock,
              { acquire: term }
            )
          )
        })
        const candidates = yield* Effect.forEach(["one:1", "two:2", "three:3"], enter)
        const elected = (count: number) =>
          eventually(
            `term ${count} begins`,
            Effect.map(Ref.get(terms), (begun) => begun >= count)
          )
        const leader = Effect.map(
          consul.get(key, { consistent: true }),
          Option.flatMapNullable(({ session }) => session)
        )
        yield* elected(1)
        for (const [round, end] of ["session", "check", "session", "check"].entries()) {
          const session = Option.getOrThrow(yield* leader)
          const info = Option.getOrThrow(yield* consul.sessionInfo(session))
          if (end === "session") yield* consul.destroySession(session)
          else yield* consul.deregisterService(info.serviceChecks[0] ?? "")
          yield* elected(round + 2)
        }
        assert.strictEqual(yield* Ref.get(most), 1)
        yield* Fiber.interruptAll(candidates)
        assert.deepStrictEqual(yield* Ref.get(acting), [])
      })
    )

    it.scopedLive("refuses what a leader of yesterday writes", () =>
      Effect.gen(function* () {
        const origin = yield* start
        const consul = yield* consulClient({ origin })
        const one = yield* candidate(origin, key, "one:1")
        const { fence, lost } = yield* one.acquire
        const write = consul.transaction([...Option.toArray(fence), TxnOp.Set({ key: "a", value: "1" })])
        assert.strictEqual((yield* write)._tag, "Committed")
        const { session } = Option.getOrThrow(yield* consul.get(key))
        yield* consul.destroySession(session ?? "")
        const from = yield* Clock.currentTimeMillis
        const refused = yield* write
        assert.isTrue(refused._tag === "RolledBack" && refused.errors[0]?.kind === "session")
        yield* Effect.flip(lost)
        assert.isBelow(yield* since(from), 500)
      })
    )

    it.scopedLive("stands again after its agent has lost the check", () =>
      Effect.gen(function* () {
        const origin = yield* start
        const consul = yield* consulClient({ origin })
        const one = yield* candidate(origin, key, "one:1")
        const first = yield* Scope.make()
        const { lost } = yield* Scope.extend(one.term, first)
        const [instance] = yield* consul.healthService("jobforge-candidate", true)
        yield* consul.deregisterService(instance?.id ?? "")
        yield* Effect.flip(lost)
        yield* Scope.close(first, Exit.void)
        assert.isFalse((yield* one.status).isLeader)
        const from = yield* Clock.currentTimeMillis
        yield* one.acquire
        assert.isBelow(yield* since(from), 3000)
      })
    )

    it.scopedLive("knows on waking from a long stop that it leads no more", () =>
      Effect.gen(function* () {
        const origin = yield* start
        const first = yield* processCandidate(origin, key, "one:1")
        yield* eventually("the process leads", Effect.sync(first.leads))
        const two = yield* candidate(origin, key, "two:2")
        const second = yield* standing(two.acquire)
        yield* Effect.sleep(1000)
        first.child.kill("SIGSTOP")
        const lease = yield* second.elected
        first.child.kill("SIGCONT")
        const from = yield* Clock.currentTimeMillis
        yield* eventually(
          "the first has noticed",
          Effect.sync(() => first.count("lost") === 1)
        )
        assert.isBelow(yield* since(from), 500)
        // Nor does it take anything from the one that follows.
        const end = yield* Effect.forkScoped(Effect.flip(lease.lost))
        yield* Effect.sleep(2000)
        assert.isTrue(Option.isNone(yield* end.poll))
        assert.isFalse(first.leads())
      })
    )

    it.scopedLive("stays in office while its process is busy for 4 s, and loses it to another when it stays so", () =>
      Effect.gen(function* () {
        const origin = yield* start
        const first = yield* processCandidate(origin, key, "one:1")
        yield* eventually("the process leads", Effect.sync(first.leads))
        const two = yield* candidate(origin, key, "two:2")
        const second = yield* standing(two.acquire)
        first.wedge(4000)
        yield* eventually(
          "it is free again",
          Effect.sync(() => first.count("free") === 1)
        )
        yield* Effect.sleep(1000)
        assert.isTrue(first.leads())
        assert.isFalse(yield* second.leads)

        const from = yield* Clock.currentTimeMillis
        first.wedge(9000)
        yield* second.elected
        const took = yield* since(from)
        assert.isAbove(took, 5000)
        assert.isBelow(took, 8000)
        yield* eventually(
          "the first has noticed",
          Effect.sync(() => first.count("lost") === 1)
        )
        // Not by the way of more work: the loss comes before anything else.
        assert.deepStrictEqual(
          first.lines.map(({ text }) => text),
          ["leads", "free", "free", "lost"]
        )
        yield* two.quit
        yield* eventually("the first leads again", Effect.sync(first.leads))
      })
    )
  })
}
