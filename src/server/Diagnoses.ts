import { Context, Effect, Layer } from "effect"
import { diagnose, noLogs } from "../diagnosis/diagnose.ts"
import type { Diagnosis } from "../diagnosis/Diagnosis.ts"
import { failingAttempt } from "../diagnosis/failingAttempt.ts"
import type { ApiError } from "../http/ApiError.ts"
import { LogArchive } from "../store/LogArchive.ts"
import type { JobNotFound } from "./JobErrors.ts"
import { Jobs } from "./Jobs.ts"

/** Why a job failed and what to do now, in one answer. The caller is taken from the context, as `Jobs` does. */
export class Diagnoses extends Context.Tag("jobforge/server/Diagnoses")<
  Diagnoses,
  {
    /** By the job's id or the record's name. A job that hasn't failed gets what it is doing or waits for. */
    readonly diagnose: (id: string) => Effect.Effect<Diagnosis, ApiError | JobNotFound>
  }
>() {
  static readonly layer: Layer.Layer<Diagnoses, never, Jobs | LogArchive> = Layer.suspend(() =>
    Layer.effect(Diagnoses, make)
  )
}

const make = Effect.gen(function* () {
  const archive = yield* LogArchive
  const jobs = yield* Jobs

  const logsOf = (name: string, nomadJobId: string) =>
    Effect.all(
      { stdout: archive.read(name, nomadJobId, "stdout"), stderr: archive.read(name, nomadJobId, "stderr") },
      { concurrency: 2 }
    ).pipe(
      // Damaged pieces are no reason to say nothing: the status has the last lines.
      Effect.catchTag("Invalid", () => Effect.succeed(noLogs))
    )

  return Diagnoses.of({
    diagnose: Effect.fn("Diagnoses.diagnose")(function* (id: string) {
      const { status } = yield* jobs.find(id)
      const failed = failingAttempt(status)
      const logs = failed === undefined ? noLogs : yield* logsOf(status.name, failed.attempt.nomad_job_id)
      return diagnose(status, logs)
    })
  })
})
