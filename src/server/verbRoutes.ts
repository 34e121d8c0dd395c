import { HttpRouter } from "@effect/platform"
import { Duration, Effect } from "effect"
import type { Cleaned, Done } from "../api/Answers.ts"
import {
  cleanup,
  cleanupByPath,
  cleanupZombies,
  deleteJob,
  killByPath,
  killJob,
  purgeByPath,
  purgeFailedJob,
  retryByPath,
  retryJob
} from "../api/JobEndpoints.ts"
import { isTerminal } from "../domain/Status.ts"
import type { FoundJob } from "../store/JobFinder.ts"
import type { Failed } from "./failureAnswer.ts"
import { type Asked, implement } from "./implement.ts"
import { Jobs } from "./Jobs.ts"
import { collectionPatience, collectionView } from "./collectionView.ts"
import { keepOpen } from "./keepOpen.ts"
import { jobIdOf } from "./statusView.ts"
import { takePlace } from "./takePlace.ts"
import { type LateVerb, verbAnswer } from "./verbAnswer.ts"

const byBody = (asked: Asked<never, never, { readonly job_id: string }>) =>
  Effect.map(asked.payload, ({ job_id }) => job_id)

const byPath = (asked: Asked<{ readonly id: string }, never, never>) => Effect.map(asked.path, ({ id }) => id)

const kill = Effect.fnUntraced(function* (id: string): Effect.fn.Return<Done, Failed, Jobs> {
  const { status } = yield* (yield* Jobs).kill(id)
  const takenUp = isTerminal(status.status) || status.stopping !== undefined
  return {
    job_id: jobIdOf(status),
    success: true,
    message: takenUp ? "Job killed successfully" : "The kill is noted and has not been taken up yet: no leader so far",
    status: status.status
  }
})

const retry = Effect.fnUntraced(function* (id: string): Effect.fn.Return<Done, Failed, Jobs> {
  const jobs = yield* Jobs
  const before = jobIdOf((yield* jobs.find(id)).status)
  const found = yield* jobs.retry(id)
  const after = jobIdOf(found.status)
  return answered("retry", found, after === before ? "Another run of the job is requested" : "The job runs once more")
})

const purge = Effect.fnUntraced(function* (id: string): Effect.fn.Return<Done, Failed, Jobs> {
  const found = yield* (yield* Jobs).purge(id)
  return answered("purge", found, `Job ${jobIdOf(found.status)} purged successfully from Nomad`)
})

/** The leader says in an event why it did nothing. */
const answered = (verb: LateVerb, { status }: FoundJob, message: string): Done => {
  const last = verbAnswer(status, verb)
  const refused = last?.reason === "RequestIgnored"
  return {
    job_id: jobIdOf(status),
    success: !refused,
    message: refused ? `Failed to ${last.message.replace(" of job ", " job ")}` : message,
    status: status.status
  }
}

const clean = (id: string): Effect.Effect<Cleaned, Failed, Jobs> =>
  Effect.map(
    Effect.flatMap(Jobs, (jobs) => jobs.cleanup(id)),
    ({ status }) => ({ success: true, cleaned_jobs: [jobIdOf(status)], message: "Cleanup completed" })
  )

/** Where as many wait here as may, the request is noted all the same, and only its answer is not waited for. */
const cleanAll = Effect.gen(function* () {
  const jobs = yield* Jobs
  const within = yield* Effect.match(takePlace, { onFailure: () => Duration.zero, onSuccess: () => collectionPatience })
  yield* keepOpen(within)
  return collectionView(yield* jobs.collect(within))
}).pipe(Effect.scoped)

const nothingAsked: Cleaned = { success: true, cleaned_jobs: [], message: "Cleanup completed" }

const whatKill = "Failed to kill job"
const whatRetry = "Failed to retry job"
const whatPurge = "Failed to purge job from Nomad"
const whatCleanup = "Failed to cleanup job"

export const verbRoutes = HttpRouter.concatAll(
  implement(killJob, whatKill, (asked) => Effect.flatMap(byBody(asked), kill)),
  implement(killByPath, whatKill, (asked) => Effect.flatMap(byPath(asked), kill)),
  implement(deleteJob, whatKill, (asked) => Effect.flatMap(byPath(asked), kill)),
  implement(retryJob, whatRetry, (asked) => Effect.flatMap(byBody(asked), retry)),
  implement(retryByPath, whatRetry, (asked) => Effect.flatMap(byPath(asked), retry)),
  implement(purgeFailedJob, whatPurge, (asked) => Effect.flatMap(byBody(asked), purge)),
  implement(purgeByPath, whatPurge, (asked) => Effect.flatMap(byPath(asked), purge)),
  implement(cleanup, whatCleanup, (asked) =>
    Effect.flatMap(asked.payload, ({ all, job_id: id }): ReturnType<typeof clean> | typeof cleanAll => {
      if (id !== undefined && id !== "") {
        // Clients of this form have always got its failure as an answer.
        return Effect.catchTag(clean(id), "JobNotFound", ({ message }) =>
          Effect.succeed({ success: false, cleaned_jobs: [], message: `Cleanup failed: ${message}` })
        )
      }
      return all === true ? cleanAll : Effect.succeed(nothingAsked)
    })
  ),
  implement(cleanupByPath, whatCleanup, (asked) => Effect.flatMap(byPath(asked), clean)),
  implement(cleanupZombies, whatCleanup, () => cleanAll)
)
