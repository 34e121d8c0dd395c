import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Schedule } from "effect"
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { nomadArea, type ScriptTask } from "./nomadArea.ts"

const failure = <A, E extends { readonly _tag: string }>(effect: Effect.Effect<A, E>) =>
  Effect.map(Effect.flip(effect), ({ _tag }) => _tag)

/** As Nomad 1.10 does: its ancestors kept the allocations until their next garbage collection. */
export const purgeConformance = (address: () => string, scriptTask: ScriptTask): void => {
  const area = Effect.suspend(() => nomadArea(address(), scriptTask))

  describe("a purge", () => {
    it.scopedLive(
      "takes the allocations too, their outcome and output, and a later job of that id is another one",
      () =>
        Effect.gen(function* () {
          const { becomes, id, job, nomad, run, state } = yield* area
          const first = yield* run("echo first; sleep 0.3")
          yield* becomes("Succeeded")
          yield* nomad.stop(id, { purge: true })
          assert.deepStrictEqual(yield* nomad.job(id), Option.none())
          assert.deepStrictEqual(yield* nomad.allocation(first), Option.none())
          assert.deepStrictEqual(yield* nomad.allocations(id), [])
          assert.strictEqual(yield* failure(nomad.logs(first, "main", "stdout")), "NotFound")
          assert.deepStrictEqual(yield* nomad.readFile(first, "alloc/logs/main.stdout.0"), Option.none())
          assert.strictEqual((yield* state())._tag, "Absent")
          assert.includeMembers(
            (yield* nomad.evaluations(id)).map(({ TriggeredBy }) => TriggeredBy),
            ["job-register", "job-deregister"]
          )
          // The guard of a creation holds only as long as Nomad remembers.
          yield* nomad.register(job("echo second; sleep 0.3"), { createOnly: true })
          const second = yield* becomes("Succeeded")
          assert.deepStrictEqual(
            (yield* nomad.allocations(id)).map(({ ID, JobVersion }) => [ID, JobVersion]),
            [[second.allocationId, 0]]
          )
          assert.strictEqual(yield* failure(nomad.register(job("true"), { createOnly: true })), "Conflict")
        })
    )

    it.scopedLive("of what runs forgets it at once, and its task is ended all the same", () =>
      Effect.gen(function* () {
        const { id, nomad, run, says, state } = yield* area
        const folder = yield* Effect.acquireRelease(
          Effect.promise(() => mkdtemp(join(tmpdir(), "jobforge-purged-"))),
          (path) => Effect.promise(() => rm(path, { recursive: true, force: true }))
        )
        const script = `trap 'echo told > ${folder}/ended; exit 0' TERM INT; echo ready; while :; do sleep 0.05; done`
        yield* says(yield* run(script), "ready")
        yield* nomad.stop(id, { purge: true })
        assert.strictEqual((yield* state())._tag, "Absent")
        const ended = yield* Effect.tryPromise(() => readFile(join(folder, "ended"), "utf8")).pipe(
          Effect.filterOrFail((text) => text !== ""),
          Effect.retry(Schedule.intersect(Schedule.spaced("100 millis"), Schedule.recurs(100)))
        )
        assert.strictEqual(ended, "told\n")
        assert.strictEqual((yield* state())._tag, "Absent")
      })
    )
  })

  describe("a node pool that there isn't", () => {
    it.scopedLive("takes no job", () =>
      Effect.gen(function* () {
        const { id, job, nomad } = yield* area
        const pooled = job("true", { NodePool: "nosuch" })
        const words = `job "${id}" is in nonexistent node pool "nosuch"`
        const error = yield* Effect.flip(nomad.register(pooled))
        assert.strictEqual(error._tag, "Invalid")
        assert.include(error.detail, words)
        assert.include((yield* nomad.validate(pooled)).errors.join("\n"), words)
      })
    )
  })
}
