import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger, Option, Ref, type Scope, Stream } from "effect"
import type { Nomad } from "../../src/nomad/Nomad.ts"
import { eventually } from "./consulArea.ts"
import type { LeaningAgent, OwnAgent } from "./consulOutages.ts"
import { nomadArea, type ScriptTask, unknownAllocation } from "./nomadArea.ts"
import { part } from "./part.ts"

export interface NomadOutageOptions {
  /** A server that keeps its data. */
  readonly startServer: Effect.Effect<OwnAgent, never, Scope.Scope>
  /** None: the engine is one server that always leads. */
  readonly startLeaning?: Effect.Effect<LeaningAgent, never, Scope.Scope>
}

const quiet = Effect.provide(Logger.remove(Logger.defaultLogger))

/** What the stream of jobs tells, from all that the server still holds on: ids, and `Connected` each time. */
const listen = Effect.fnUntraced(function* (nomad: Nomad["Type"]) {
  const told = yield* Ref.make<ReadonlyArray<string>>([])
  yield* nomad.events(["Job"], Option.none()).pipe(
    Stream.runForEach((event) => {
      if (event._tag === "Connected") return Ref.update(told, (all) => [...all, event._tag])
      return event._tag === "JobChanged" ? Ref.update(told, (all) => [...all, event.jobId]) : Effect.void
    }),
    quiet,
    Effect.forkScoped
  )
  return told
})

const nowhere = { Constraints: [{ LTarget: "${attr.kernel.name}", RTarget: "plan9", Operand: "=" }] }

export const nomadOutageConformance = ({ startLeaning, startServer }: NomadOutageOptions, task: ScriptTask): void => {
  describe("a server that is started again", () => {
    it.scopedLive(
      "has what it had, counts on, and its stream begins again by itself",
      () =>
        Effect.gen(function* () {
          const server = yield* startServer
          const { becomes, id, job, nomad } = yield* nomadArea(server.address, task)
          yield* nomad.register(job("true", nowhere))
          yield* Effect.sleep("500 millis")
          yield* becomes("Queued")
          const before = { job: yield* nomad.job(id), evaluations: yield* nomad.evaluations(id) }
          const { index } = yield* nomad.jobs("")
          const told = yield* listen(nomad)
          yield* eventually("it is told", Ref.get(told), (all) => all.includes(id), 5000)
          yield* server.restart
          yield* eventually("it leads", Effect.option(nomad.jobs("")), Option.isSome, 30_000)
          assert.deepStrictEqual(yield* nomad.job(id), before.job)
          assert.sameDeepMembers([...(yield* nomad.evaluations(id))], [...before.evaluations])
          assert.isAtLeast((yield* nomad.jobs("")).index, index)
          yield* eventually(
            "the stream is there again",
            Ref.get(told),
            (all) => all.lastIndexOf("Connected") > 0,
            20_000
          )
          yield* nomad.register({ ...job("true", nowhere), ID: `${id}-b` })
          yield* eventually("the new one is told", Ref.get(told), (all) => all.includes(`${id}-b`), 10_000)
          assert.isAbove((yield* nomad.jobs("")).index, index)
        }),
      120_000
    )
  })

  const lacking = startLeaning === undefined ? "it is one server, which always leads" : undefined
  part("a cluster that has lost its leader", lacking, () => {
    it.scopedLive(
      "is Unavailable but for what a server knows by itself, and its stream goes on when it has one again",
      () =>
        Effect.gen(function* () {
          const agent = yield* startLeaning ?? Effect.dieMessage("not asked for")
          const { becomes, id, job, nomad } = yield* nomadArea(agent.address, task)
          yield* nomad.register(job("true"))
          yield* becomes("Queued")
          const told = yield* listen(nomad)
          yield* agent.killOther
          yield* eventually(
            "the leader is lost",
            Effect.flip(Effect.zipRight(nomad.leader(), Effect.fail({ _tag: "Led", detail: "" }))),
            ({ _tag, detail }) => _tag === "Unavailable" && detail === "No cluster leader",
            30_000
          )
          // Each is held for 5 s, in the hope of a leader.
          const refused = yield* Effect.all(
            [
              nomad.register({ ...job("true"), ID: `${id}-b` }),
              nomad.validate(job("true")),
              nomad.job(id),
              nomad.jobs(""),
              nomad.stop(id),
              nomad.allocations(id),
              nomad.allocation(unknownAllocation),
              nomad.evaluations(id),
              nomad.nodes(),
              nomad.systemGc()
            ].map((call) => Effect.flip(call)),
            { concurrency: "unbounded" }
          )
          assert.deepStrictEqual(
            refused.map(({ _tag, detail }) => [_tag, detail]),
            refused.map(() => ["Unavailable", "No cluster leader"])
          )
          assert.match((yield* nomad.agentSelf()).version, /^1\.\d+\.\d+/u)
          assert.deepStrictEqual(yield* nomad.regions(), ["global"])
          const known = yield* Stream.runHead(nomad.events(["Job"], Option.none()))
          assert.deepInclude(Option.getOrThrow(known), { _tag: "Connected" })
          yield* agent.startOther
          yield* eventually("the job can be read", Effect.option(nomad.job(id)), Option.isSome, 30_000)
          yield* nomad.register({ ...job("true"), ID: `${id}-c` })
          yield* eventually("it is told", Ref.get(told), (all) => all.includes(`${id}-c`), 10_000)
          assert.include(yield* Ref.get(told), id)
          assert.deepStrictEqual(yield* nomad.job(`${id}-b`), Option.none())
        }),
      120_000
    )
  })
}
