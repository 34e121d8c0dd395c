import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Fiber, Layer, Logger, Option, Predicate, type Scope } from "effect"
import { endlessRef } from "../../scripts/chaos/modelDriver.ts"
import { TxnOp } from "../../src/consul/Transaction.ts"
import { Jobs } from "../../src/server/Jobs.ts"
import { collectionsValue } from "../../src/store/CollectionsValue.ts"
import { scriptJob } from "../embedded/nomad/agent.ts"
import { eventually } from "../support/eventually.ts"
import { setStage, type Stage, type Troupe } from "../zoo/support/Stage.ts"
import { deskOf, keys } from "./deskOf.ts"
import { httpDesk, type HttpDesk } from "./httpDesk.ts"
import { rpcDesk, textOf, toolResult } from "./rpcDesk.ts"

const quiet = Logger.remove(Logger.defaultLogger)

const uuid = (number: number) => `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`
const buildOf = (number: number) => `build-${uuid(number)}-1`

/** Registers a build that runs until it is stopped, and that no record wants. */
const orphan = Effect.fnUntraced(function* ({ nomad }: Stage, number: number, installation = "zoo") {
  const id = buildOf(number)
  const script = scriptJob(id, "", { Env: { JOBFORGE_GIT_REF: endlessRef } }).Job
  const Meta = {
    phase: "build",
    "jobforge-installation": installation,
    "jobforge-record": "gone",
    "jobforge-generation": "1"
  }
  const job = { ...script, Meta }
  yield* Effect.orDie(nomad.register(job))
  yield* eventually(
    `${id} runs`,
    Effect.map(nomad.allocations(id), (rows) => rows.some(({ ClientStatus }) => ClientStatus === "running"))
  )
})

const isStopped = ({ nomad }: Stage, number: number) =>
  Effect.map(
    Effect.orDie(nomad.job(buildOf(number))),
    Option.exists(({ Stop }) => Stop)
  )

const requestsIn = ({ consul }: Stage) => Effect.map(Effect.orDie(consul.keys(keys.requests)), ({ value }) => value)

const stored = ({ consul }: Stage) =>
  Effect.map(Effect.orDie(consul.get(keys.collections)), (entry) =>
    Option.getOrThrow(Option.flatMap(entry, ({ value }) => collectionsValue.decode(value)))
  )

const cleaned = (json: unknown): unknown => (Predicate.isRecord(json) ? json["cleaned_jobs"] : undefined)

const zombies = (desk: HttpDesk) => Effect.map(desk.post("/json/cleanupZombies"), ({ json }) => json)

/** A replica that leads and has nothing to do any more, and another one that is asked. */
const scene = <A, E>(play: (desk: HttpDesk, stage: Stage) => Effect.Effect<A, E, Scope.Scope>, troupe: Troupe = {}) =>
  Effect.gen(function* () {
    const stage = yield* setStage
    yield* stage.serve(troupe)
    const desk = yield* httpDesk({ consul: stage.consul, nomad: stage.nomad })
    const first = yield* zombies(desk)
    assert.deepStrictEqual(first, {
      success: true,
      cleaned_jobs: [],
      message: "Cleanup completed: nothing was left over"
    })
    return yield* play(desk, stage)
  }).pipe(Effect.provide(quiet))

describe("a request to end what nobody owns", () => {
  it.scopedLive("ends it and names it, by cleanupZombies and by cleanup of all, and leaves nothing behind", () =>
    scene((desk, stage) =>
      Effect.gen(function* () {
        yield* orphan(stage, 1)
        yield* orphan(stage, 2, "another")
        assert.deepStrictEqual(yield* zombies(desk), {
          success: true,
          cleaned_jobs: [uuid(1)],
          message: "Cleanup completed: Nomad jobs stopped: 1; jobs begun that remove temporary images: 0"
        })
        assert.isTrue(yield* isStopped(stage, 1))
        yield* orphan(stage, 3)
        const all = yield* desk.post("/mcp/cleanup", { all: true })
        assert.deepStrictEqual(cleaned(all.json), [uuid(3)])
        assert.isTrue(yield* isStopped(stage, 3))
        assert.isFalse(yield* isStopped(stage, 2))
        assert.deepStrictEqual(yield* requestsIn(stage), [])
        assert.isUndefined((yield* stored(stage)).plan)
      })
    )
  )

  it.scopedLive("does so as a tool, and as a method of JSON-RPC", () =>
    scene((_, stage) =>
      Effect.gen(function* () {
        const desk = yield* rpcDesk(stage)
        yield* orphan(stage, 1)
        const answer = yield* desk.tool("cleanupZombies")
        assert.deepStrictEqual(toolResult(answer).structuredContent?.["cleaned_jobs"], [uuid(1)])
        assert.match(textOf(answer), /^Cleanup completed: Nomad jobs stopped: 1;/)
        assert.isTrue(yield* isStopped(stage, 1))
        yield* orphan(stage, 2)
        const direct = yield* desk.call("cleanupZombies", {})
        assert.include(direct.text, uuid(2))
        assert.isTrue(yield* isStopped(stage, 2))
      })
    )
  )

  it.scopedLive("is answered to all who ask at the same time, and done once", () =>
    Effect.suspend(() => {
      const stops: Array<string> = []
      return scene(
        (desk, stage) =>
          Effect.gen(function* () {
            yield* orphan(stage, 1)
            const answers = yield* Effect.all(
              Array.from({ length: 5 }, () => zombies(desk)),
              { concurrency: 5 }
            )
            const named = answers.filter((answer) => JSON.stringify(cleaned(answer)) === JSON.stringify([uuid(1)]))
            // Whoever's request came when the sweep had begun got one of its own, with nothing left to do.
            assert.isAtLeast(named.length, 1)
            for (const answer of answers) assert.propertyVal(answer, "success", true)
            assert.deepStrictEqual(stops, [buildOf(1)])
            assert.deepStrictEqual(yield* requestsIn(stage), [])
          }),
        {
          nomad: (nomad) => ({
            ...nomad,
            stop: (id, options) =>
              Effect.zipRight(
                Effect.sync(() => stops.push(id)),
                nomad.stop(id, options)
              )
          })
        }
      )
    })
  )

  for (const [when, dies] of [
    ["before it has stopped anything", "before"],
    ["when it has stopped it and told nobody", "after"]
  ] as const) {
    it.scopedLive(`is carried out and told by the next leader when one ends ${when}`, () =>
      Effect.gen(function* () {
        const stage = yield* setStage
        const reached = yield* Deferred.make<void>()
        const hang = Effect.zipRight(Deferred.succeed(reached, undefined), Effect.never)
        const leader = yield* stage.serve({
          nomad: (nomad) => ({
            ...nomad,
            stop: (id, options) => (dies === "before" ? hang : Effect.zipRight(nomad.stop(id, options), hang))
          })
        })
        const desk = yield* httpDesk({ consul: stage.consul, nomad: stage.nomad })
        yield* zombies(desk)
        yield* orphan(stage, 1)
        const asking = yield* Effect.fork(zombies(desk))
        yield* Deferred.await(reached)
        assert.strictEqual(yield* isStopped(stage, 1), dies === "after")
        assert.lengthOf(yield* requestsIn(stage), 1)
        yield* Fiber.interrupt(leader)
        yield* stage.serve()
        assert.deepStrictEqual(cleaned(yield* Fiber.join(asking)), [uuid(1)])
        assert.isTrue(yield* isStopped(stage, 1))
        assert.deepStrictEqual(yield* requestsIn(stage), [])
      }).pipe(Effect.provide(quiet))
    )
  }

  it.scopedLive("waits for a leader that can't reach Nomad or write, and is answered once it can", () =>
    Effect.suspend(() => {
      let away = 0
      return scene(
        (desk, stage) =>
          Effect.gen(function* () {
            yield* orphan(stage, 1)
            away = 2
            assert.deepStrictEqual(cleaned(yield* zombies(desk)), [uuid(1)])
            assert.strictEqual(away, 0)
            assert.deepStrictEqual(yield* requestsIn(stage), [])
          }),
        {
          consul: (consul) => ({
            ...consul,
            transaction: (ops, options) => {
              const refused = away > 0 && ops.some(({ key }) => key === keys.collections)
              if (refused) away -= 1
              // A check that can't hold: Consul rolls back, as it does when somebody else was first.
              return consul.transaction(
                refused ? [...ops, TxnOp.CheckIndex({ key: keys.collections, index: 1 })] : ops,
                options
              )
            }
          })
        }
      )
    })
  )

  it.scopedLive("is kept while nobody leads, and carried out by whoever does next", () =>
    Effect.gen(function* () {
      const stage = yield* setStage
      const jobs = Context.get(yield* Layer.build(deskOf(stage.consul)), Jobs)
      // A fresh installation takes the id of the first replica.
      yield* Effect.scoped(
        Effect.gen(function* () {
          const first = yield* stage.serve()
          yield* jobs.collect("15 seconds")
          yield* Fiber.interrupt(first)
        })
      )
      yield* orphan(stage, 1)
      assert.isTrue(Option.isNone(yield* jobs.collect("300 millis")))
      assert.lengthOf(yield* requestsIn(stage), 1)
      yield* stage.serve()
      yield* eventually(
        "the request is answered",
        Effect.map(requestsIn(stage), (left) => left.length === 0)
      )
      assert.isTrue(yield* isStopped(stage, 1))
      const { answers } = yield* stored(stage)
      assert.deepStrictEqual(answers.at(-1)?.jobs, [uuid(1)])
    }).pipe(Effect.provide(quiet))
  )
})
