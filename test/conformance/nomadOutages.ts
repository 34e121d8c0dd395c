import { assert, it } from "@effect/vitest"
import { Effect, Option, Ref, type Scope, Stream } from "effect"
import { eventually } from "./consulArea.ts"
import type { LeaningAgent } from "./consulOutages.ts"
import { nomadArea, type ScriptTask, unknownAllocation } from "./nomadArea.ts"
import { part } from "./part.ts"

/** Without `startLeaning` the engine is one server that always leads. */
export const nomadOutageConformance = (
  startLeaning: Effect.Effect<LeaningAgent, never, Scope.Scope> | undefined,
  task: ScriptTask
): void => {
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
          const told = yield* Ref.make<ReadonlySet<string>>(new Set())
          yield* nomad.events(["Job"], Option.none()).pipe(
            Stream.runForEach((event) =>
              event._tag === "JobChanged" ? Ref.update(told, (ids) => new Set([...ids, event.jobId])) : Effect.void
            ),
            Effect.forkScoped
          )
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
          yield* eventually("it is told", Ref.get(told), (ids) => ids.has(`${id}-c`), 10_000)
          assert.isTrue((yield* Ref.get(told)).has(id))
          assert.deepStrictEqual(yield* nomad.job(`${id}-b`), Option.none())
        }),
      120_000
    )
  })
}
