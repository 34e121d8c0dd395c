import { Duration, Effect, Schema } from "effect"
import { isTerminal, JobStatus } from "../../domain/Status.ts"
import type { FoundJob } from "../../store/JobFinder.ts"
import { Cleaned } from "../../api/Answers.ts"
import { collectionPatience, collectionView } from "../collectionView.ts"
import { Jobs } from "../Jobs.ts"
import { jobId, wholeNumber } from "./arguments.ts"
import { jobIdOf } from "../statusView.ts"
import { type LateVerb, verbAnswer } from "../verbAnswer.ts"
import { type Annotations, type Tool, tool } from "./Tool.ts"
import { rpcCode, ToolFailed, toolFailed } from "./ToolFault.ts"

const Input = Schema.Struct({ job_id: jobId })

const Output = Schema.Struct({
  job_id: Schema.String,
  status: JobStatus.annotations({ description: "The job's status now." }),
  message: Schema.String
})

/** Twice is as good as once, and what it ends or removes does not come back. */
const destructive: Annotations = {
  readOnlyHint: false,
  destructiveHint: true,
  idempotentHint: true,
  openWorldHint: false
}

const answered = ({ status }: FoundJob, message: string): typeof Output.Type => ({
  job_id: jobIdOf(status),
  status: status.status,
  message
})

/** What a verb is about, and what a failure of it is called. */
interface Verb {
  readonly verb: LateVerb
  readonly text: string
}

/** The leader says in an event why it did nothing of what was asked for. */
const unlessIgnored = ({ text, verb }: Verb, found: FoundJob): Effect.Effect<FoundJob, ToolFailed> => {
  const last = verbAnswer(found.status, verb)
  if (last?.reason !== "RequestIgnored") return Effect.succeed(found)
  const code = rpcCode.internalError
  return new ToolFailed({
    code,
    text,
    detail: last.message,
    faults: [],
    advice: "Call getStatus to see how the job stands."
  })
}

const message = ({ message }: typeof Output.Type): string => message

/** Has the leader do what leaves nothing of the job behind somewhere. */
const onEnded = (verb: Verb & { readonly verb: "cleanup" | "purge" }, done: (id: string) => string) =>
  Effect.fnUntraced(function* ({ job_id: id }: typeof Input.Type) {
    const jobs = yield* Jobs
    const found = yield* Effect.mapError(jobs[verb.verb](id), toolFailed(verb.text))
    yield* unlessIgnored(verb, found)
    return answered(found, done(id))
  })

export const killJob: Tool<Jobs> = tool({
  name: "killJob",
  title: "Kill a job",
  description:
    "Ends a job that is waiting or running: its steps are stopped gracefully, and it becomes FAILED with reason Cancelled. A job that has succeeded or failed by itself can't be killed. Killing it twice is no error.",
  annotations: destructive,
  input: Input,
  output: Output,
  text: message,
  run: Effect.fnUntraced(function* ({ job_id: id }) {
    const jobs = yield* Jobs
    const found = yield* Effect.mapError(jobs.kill(id), toolFailed("Failed to kill job"))
    const taken = isTerminal(found.status.status) || found.status.stopping !== undefined
    return answered(
      found,
      taken
        ? "Job terminated successfully"
        : "The job is to be terminated; the service has not begun with it yet. Call waitForJob."
    )
  })
})

export const cleanup: Tool<Jobs> = tool({
  name: "cleanup",
  title: "Clean up after a job",
  description:
    "Ends what of a job is still under way, or removes the temporary image that an ended job left behind. The published image and the logs stay. The service does this by itself after each job; call it when something was left over.",
  annotations: destructive,
  input: Input,
  output: Output,
  text: message,
  run: onEnded({ verb: "cleanup", text: "Failed to cleanup job" }, () => "Job resources cleaned up successfully")
})

const longestSweep = Duration.toSeconds(collectionPatience)

export const cleanupZombies: Tool<Jobs> = tool({
  name: "cleanupZombies",
  title: "End what belongs to no job",
  description:
    "Ends what runs in Nomad for this service and belongs to no job of it, and removes the temporary images of such runs. The service does so by itself every minute: call it only to have it done now. Needs the role admin. To clean up after one job call cleanup.",
  annotations: destructive,
  slow: true,
  input: Schema.Struct({
    timeout_seconds: wholeNumber(
      0,
      longestSweep,
      `How long to wait for it at most; ${longestSweep} when left out. It is done all the same.`
    )
  }),
  output: Cleaned,
  text: ({ message: words }) => words,
  run: Effect.fnUntraced(function* ({ timeout_seconds: seconds = longestSweep }) {
    const jobs = yield* Jobs
    const collected = yield* Effect.mapError(
      jobs.collect(Duration.seconds(seconds)),
      toolFailed("Failed to cleanup job")
    )
    return collectionView(collected)
  })
})

export const purgeFailedJob: Tool<Jobs> = tool({
  name: "purgeFailedJob",
  title: "Purge an ended job from Nomad",
  description:
    "Makes Nomad forget the steps of a job that has ended. The job, its status and its logs stay here; what only Nomad knows is gone. Kill a job that runs first.",
  annotations: destructive,
  input: Input,
  output: Output,
  text: message,
  run: onEnded(
    { verb: "purge", text: "Failed to purge job from Nomad" },
    (id) => `Job ${id} purged successfully from Nomad`
  )
})

export const retryJob: Tool<Jobs> = tool({
  name: "retryJob",
  title: "Retry an ended job",
  description:
    "Builds the unchanged configuration of an ended job once more, from what its Git ref is now. For failures that the next try may not have: diagnoseJob says retryable. The answer's job_id is the new run's: go on with waitForJob and that one. To change the configuration call submitJob.",
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: true },
  input: Input,
  output: Output,
  run: Effect.fnUntraced(function* ({ job_id: id }) {
    const jobs = yield* Jobs
    const text = "Failed to retry job"
    const failed = Effect.mapError(toolFailed(text))
    const before = jobIdOf((yield* failed(jobs.find(id))).status)
    const found = yield* failed(jobs.retry(id))
    yield* unlessIgnored({ verb: "retry", text }, found)
    const after = jobIdOf(found.status)
    return answered(
      found,
      after === before
        ? "The retry is asked for; the service has not begun with it yet. Call listJobs in a moment to see the new run."
        : `Job ${after} builds it once more; call waitForJob with that job_id.`
    )
  })
})
