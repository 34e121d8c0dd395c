import { Clock, Duration, Effect, Option, Schema } from "effect"
import { isTerminal, JobPhase, type Status } from "../../domain/Status.ts"
import { Jobs } from "../Jobs.ts"
import { Stopping } from "../Stopping.ts"
import { jobId, wholeNumber } from "./arguments.ts"
import { jobIdOf } from "../statusView.ts"
import { JobSummary, jobSummary, progressLine } from "./JobSummary.ts"
import { prettyJson } from "./prettyJson.ts"
import { type Annotations, type Progress, type Tool, tool, untrusted } from "./Tool.ts"
import { toolFailed } from "./ToolFault.ts"

/** It changes nothing, however often it is called. */
export const readOnly: Annotations = {
  readOnlyHint: true,
  destructiveHint: false,
  idempotentHint: true,
  openWorldHint: false
}

const StatusAnswer = Schema.Struct({
  ...JobSummary.fields,
  phase: Schema.String.annotations({ description: "The phase that failed; empty where none did." }),
  current_phase: Schema.optional(JobPhase).annotations({ description: "What it is doing." }),
  error: Schema.String.annotations({ description: "Why it failed; empty where it did not." })
})

export const getStatus: Tool<Jobs> = tool({
  name: "getStatus",
  title: "Look at a job's status",
  description: `How a job stands now: PENDING, BUILDING, TESTING, PUBLISHING, SUCCEEDED or FAILED. To follow a job call waitForJob in its place: it answers when the job has ended. ${untrusted}`,
  annotations: readOnly,
  input: Schema.Struct({ job_id: jobId }),
  output: StatusAnswer,
  // The four that clients have always read.
  text: ({ error, job_id, phase, status }) => prettyJson({ error, job_id, phase, status }),
  run: Effect.fnUntraced(function* ({ job_id: id }) {
    const jobs = yield* Jobs
    const { status } = yield* Effect.mapError(jobs.find(id), toolFailed("Failed to get job"))
    const { phase, ...summary } = jobSummary(status)
    return {
      ...summary,
      ...(phase === undefined ? {} : { current_phase: phase }),
      phase: status.failed_phase ?? "",
      error: status.error ?? ""
    }
  })
})

/** Seconds. Official clients give a call up after 60 s: an answer that comes then comes too late. */
const defaultWait = 50
const longestWait = 600

/** A client that asked for progress hears of it at least this often: it may keep on waiting for that. */
const beat = Duration.seconds(10)

export const waitForJob: Tool<Jobs> = tool({
  name: "waitForJob",
  title: "Wait until a job has ended",
  description: `Answers once the job has SUCCEEDED or FAILED, or as it is after timeout_seconds: then ended is false, and you call it again. Don't poll getStatus. The answer's next_action says how to go on. ${untrusted}`,
  annotations: readOnly,
  slow: true,
  input: Schema.Struct({
    job_id: jobId,
    timeout_seconds: wholeNumber(
      0,
      longestWait,
      `How long to wait at most; ${defaultWait} when left out, which is what most clients wait for an answer.`
    )
  }),
  output: Schema.Struct({
    ...JobSummary.fields,
    ended: Schema.Boolean,
    next_action: Schema.String
  }),
  notice: untrusted,
  run: Effect.fnUntraced(function* ({ job_id: id, timeout_seconds: seconds = defaultWait }, progress) {
    const status = yield* waitUntilEnded(id, Duration.seconds(seconds), progress)
    const ended = isTerminal(status.status)
    return { ...jobSummary(status), ended, next_action: nextAction(status) }
  })
})

const waitUntilEnded = Effect.fnUntraced(function* (id: string, within: Duration.Duration, progress: Progress) {
  const jobs = yield* Jobs
  const failed = Effect.mapError(toolFailed("Failed to get job"))
  const until = (yield* Clock.currentTimeMillis) + Duration.toMillis(within)
  const stopping = yield* Stopping
  let found = yield* failed(jobs.find(id))
  while (!isTerminal(found.status.status)) {
    yield* progress(progressLine(found.status))
    const left = until - (yield* Clock.currentTimeMillis)
    if (left <= 0) break
    const news = jobs.wait(id, found.index, Duration.min(beat, Duration.millis(left)))
    const next = yield* Effect.raceFirst(Effect.asSome(failed(news)), Effect.as(stopping.signal, Option.none()))
    // This replica stops: the client asks again, and another one answers.
    if (Option.isNone(next)) break
    found = next.value
  }
  return found.status
})

const nextAction = (status: Status): string => {
  const id = jobIdOf(status)
  switch (status.status) {
    case "SUCCEEDED":
      return "The image is published; nothing is left to do."
    case "FAILED":
      return status.reason === "Cancelled" || status.reason === "Superseded" || status.reason === "Deleted"
        ? "Somebody ended the job; call submitJob if it is still wanted."
        : `Call diagnoseJob with job_id ${id}.`
    case "PENDING":
    case "BUILDING":
    case "TESTING":
    case "PUBLISHING":
      return `Call waitForJob with job_id ${id} again.`
  }
}
