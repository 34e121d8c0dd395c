import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import { boundLog } from "../../src/store/BoundedLog.ts"
import { keysBelow } from "../../src/store/keys.ts"
import { LogArchive } from "../../src/store/LogArchive.ts"
import { Diagnoses } from "../../src/server/Diagnoses.ts"
import { JobNotFound } from "../../src/server/JobErrors.ts"
import { Jobs } from "../../src/server/Jobs.ts"
import { statusOf } from "../diagnosis/CorpusCase.ts"
import { embeddedConsul } from "../support/embeddedConsul.ts"

const status = statusOf({ label: "compile-error", phase: "build", reason: "BuildFailed", exit_code: 1, note: "" })

const jobs = Layer.mock(Jobs, {
  tell: (_name, then) => then(Option.none()),
  tellNewer: () => () => {},
  tellSubmitted: () => {},
  find: (id) =>
    id === status.job_id ? Effect.succeed({ status, index: 1, archived: false }) : Effect.fail(new JobNotFound({ id }))
})

const tester = Diagnoses.layer.pipe(
  Layer.provide(jobs),
  Layer.provideMerge(LogArchive.layer(keysBelow("jobforge-service"))),
  Layer.provideMerge(embeddedConsul)
)

const save = (stream: "stdout" | "stderr", text: string) =>
  Effect.flatMap(LogArchive, (archive) =>
    archive.write(status.name, status.attempts[0]?.nomad_job_id ?? "", stream, boundLog(Buffer.from(text)))
  )

describe("Diagnoses", () => {
  it.scopedLive("reads what the failing attempt printed from the archive", () =>
    Effect.gen(function* () {
      yield* save("stdout", "STEP 1/2: FROM gcc\nSTEP 2/2: RUN make\n")
      yield* save("stderr", "main.c:3:10: error: 'x' undeclared\nmake: *** [Makefile:2: main.o] Error 1\n")
      const diagnosis = yield* Effect.flatMap(Diagnoses, ({ diagnose }) => diagnose(status.name))
      assert.deepInclude(diagnosis, { cause: "compile-error", phase: "build", attempt: 1, exit_code: 1 })
      assert.deepInclude(diagnosis.error, { number: 1, stream: "stderr" })
      assert.deepInclude(diagnosis.step, { number: 2, of: 2, text: "RUN make" })
      assert.include(diagnosis.next_action, "main.c:3:10")
    }).pipe(Effect.provide(tester))
  )

  it.scopedLive("still answers for a failure whose logs are gone", () =>
    Effect.gen(function* () {
      const diagnosis = yield* Effect.flatMap(Diagnoses, ({ diagnose }) => diagnose(status.name))
      assert.strictEqual(diagnosis.cause, "command-failed")
      assert.deepStrictEqual(diagnosis.tail, [])
    }).pipe(Effect.provide(tester))
  )

  it.scopedLive("knows no more jobs than there are", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Effect.flatMap(Diagnoses, ({ diagnose }) => diagnose("nope")))
      assert.strictEqual(error._tag, "JobNotFound")
    }).pipe(Effect.provide(tester))
  )
})
