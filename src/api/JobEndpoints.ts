import { HttpApiEndpoint, HttpApiSchema, OpenApi } from "@effect/platform"
import { Schema } from "effect"
import { Diagnosis } from "../diagnosis/Diagnosis.ts"
import { Cleaned, Done, History, JobLog, Submitted } from "./Answers.ts"
import { Conflict, KeyReused, NotFound, TooLarge } from "./Failures.ts"
import { JobState } from "./JobState.ts"
import {
  ById,
  CleanupRequest,
  HistoryRequest,
  IdempotencyKey,
  JobRef,
  ListParameters,
  LogFilters,
  LogsRequest,
  Submission,
  Wait
} from "./Requests.ts"

/** An event stream: the schema of its events stands in their own description. */
const EventStream = HttpApiSchema.Text({ contentType: "text/event-stream" })

/** A verb on one job, in its two spellings: the id in the body, or in the path. */
const verb = <const Name extends string, const ByPathName extends string, S extends Schema.Schema.Any>(
  name: Name,
  byPath: ByPathName,
  segment: `/${string}`,
  success: S,
  summary: string
) =>
  [
    HttpApiEndpoint.post(name, `/json/${name}`)
      .setPayload(JobRef)
      .addSuccess(success)
      .addError(NotFound)
      .addError(Conflict)
      .annotate(OpenApi.Summary, summary),
    HttpApiEndpoint.post(byPath, `/json/job/:id${segment}`)
      .setPath(ById)
      .addSuccess(success)
      .addError(NotFound)
      .addError(Conflict)
      .annotate(OpenApi.Summary, summary)
  ] as const

export const submitJob = HttpApiEndpoint.post("submitJob", "/json/submitJob")
  .setHeaders(IdempotencyKey)
  .setPayload(Submission)
  .addSuccess(Submitted)
  .addError(Conflict)
  .addError(TooLarge)
  .addError(KeyReused)
  .annotate(OpenApi.Summary, "Submit a job")
  .annotate(
    OpenApi.Description,
    "The record is in Consul KV before this answers. With an Idempotency-Key a repeated submission answers with the job that the first one made."
  )

export const getStatus = HttpApiEndpoint.post("getStatus", "/json/getStatus")
  .setPayload(JobRef)
  .addSuccess(JobState)
  .addError(NotFound)
  .annotate(OpenApi.Summary, "Read a job's status")

export const readStatus = HttpApiEndpoint.get("readStatus", "/json/job/:id/status")
  .setPath(ById)
  .setUrlParams(Wait)
  .addSuccess(JobState)
  .addError(NotFound)
  .annotate(OpenApi.Summary, "Read a job's status, or wait for a newer one")
  .annotate(
    OpenApi.Description,
    "As Consul's blocking queries: give the index of the last answer (its body's `index`, or X-Jobforge-Index) and how long to wait. What isn't newer by then is answered as it is."
  )

export const getLogs = HttpApiEndpoint.post("getLogs", "/json/getLogs")
  .setPayload(LogsRequest)
  .addSuccess(JobLog)
  .addError(NotFound)
  .annotate(OpenApi.Summary, "Read a job's logs")

export const readLogs = HttpApiEndpoint.get("readLogs", "/json/job/:id/logs")
  .setPath(ById)
  .setUrlParams(LogFilters)
  .addSuccess(JobLog)
  .addError(NotFound)
  .annotate(OpenApi.Summary, "Read a job's logs")

export const followLogs = HttpApiEndpoint.get("followLogs", "/json/job/:id/logs/stream")
  .setPath(ById)
  .setUrlParams(Schema.Struct({ from: Schema.optional(Schema.String) }))
  .addSuccess(EventStream)
  .addError(NotFound)
  .annotate(OpenApi.Summary, "Follow a job's logs")
  .annotate(
    OpenApi.Description,
    "Server-sent events, one LogEvent a line, then `end` (a LogEnd). Last-Event-ID, or the last event's cursor as `from`, resumes. With an upgrade the same by WebSocket; also /json/streamLogs?job_id=…"
  )

export const rawLogs = HttpApiEndpoint.get("rawLogs", "/json/job/:id/logs/raw")
  .setPath(ById)
  .setUrlParams(LogFilters.pick("phase", "attempt", "test", "stream", "since"))
  .addSuccess(HttpApiSchema.Text({ contentType: "text/plain" }))
  .addError(NotFound)
  .annotate(OpenApi.Summary, "Read a job's logs as they were written")

export const events = HttpApiEndpoint.get("events", "/json/job/:id/events")
  .setPath(ById)
  .addSuccess(EventStream)
  .addError(NotFound)
  .annotate(OpenApi.Summary, "Follow a job's transitions")
  .annotate(
    OpenApi.Description,
    "Server-sent events: `transition` (a Transition) for each change of status, each once and in order, from the job's beginning; then `end` (a StreamEnd), which says why. Last-Event-ID resumes after that event."
  )

export const diagnosis = HttpApiEndpoint.get("diagnosis", "/json/job/:id/diagnosis")
  .setPath(ById)
  .addSuccess(Diagnosis.annotations({ identifier: "Diagnosis" }))
  .addError(NotFound)
  .annotate(OpenApi.Summary, "Why a job failed, and what to do now, in at most 8 KiB")

export const [killJob, killByPath] = verb("killJob", "killByPath", "/kill", Done, "End a job")
export const [retryJob, retryByPath] = verb("retryJob", "retryByPath", "/retry", Done, "Build an ended job once more")
export const [purgeFailedJob, purgeByPath] = verb(
  "purgeFailedJob",
  "purgeByPath",
  "/purge",
  Done,
  "Make Nomad forget an ended job's steps"
)

export const cleanup = HttpApiEndpoint.post("cleanup", "/json/cleanup")
  .setPayload(CleanupRequest)
  .addSuccess(Cleaned)
  .annotate(OpenApi.Summary, "End what of a job is under way, and remove its temporary image")
  .annotate(OpenApi.Description, "With `all` it does what cleanupZombies does.")

export const cleanupByPath = HttpApiEndpoint.post("cleanupByPath", "/json/job/:id/cleanup")
  .setPath(ById)
  .addSuccess(Cleaned)
  .addError(NotFound)
  .annotate(OpenApi.Summary, "End what of a job is under way, and remove its temporary image")

export const cleanupZombies = HttpApiEndpoint.post("cleanupZombies", "/json/cleanupZombies")
  .addSuccess(Cleaned)
  .annotate(OpenApi.Summary, "End what nobody owns")
  .annotate(
    OpenApi.Description,
    "What runs in Nomad for this installation and belongs to no job is stopped, and the temporary images of such runs are removed. The leader does so by itself every minute; this has it done at once. The answer names the jobs that something was ended of, up to 2000 of them. It comes after 20 s at the latest: a request that no leader has answered by then is kept, and carried out by the next one. With tokens it takes the role admin."
  )

export const getHistory = HttpApiEndpoint.post("getHistory", "/json/getHistory")
  .setPayload(HistoryRequest)
  .addSuccess(History)
  .annotate(OpenApi.Summary, "List jobs, newest first")

export const testEndpoint = HttpApiEndpoint.get("testEndpoint", "/json/job/:id/test-endpoint")
  .setPath(ById)
  .addSuccess(Schema.Struct({ job_id: Schema.String }))
  .addError(NotFound)
  .annotate(OpenApi.Summary, "Where an external test finds the image under test")
  .annotate(OpenApi.Description, "No job is configured for external tests yet: always 400.")

export const testResult = HttpApiEndpoint.post("testResult", "/json/job/:id/test-result")
  .setPath(ById)
  .addSuccess(Schema.Struct({ job_id: Schema.String }))
  .addError(NotFound)
  .annotate(OpenApi.Summary, "Report an external test's result")
  .annotate(OpenApi.Description, "No job is configured for external tests yet: always 400.")

export const postJob = HttpApiEndpoint.post("postJob", "/jobs")
  .setHeaders(IdempotencyKey)
  .setPayload(Submission)
  .addSuccess(Submitted)
  .addError(Conflict)
  .addError(TooLarge)
  .addError(KeyReused)
  .annotate(OpenApi.Summary, "Submit a job")

export const listJobs = HttpApiEndpoint.get("listJobs", "/jobs")
  .setUrlParams(ListParameters)
  .addSuccess(History)
  .annotate(OpenApi.Summary, "List jobs, newest first")

export const getJob = HttpApiEndpoint.get("getJob", "/jobs/:id")
  .setPath(ById)
  .setUrlParams(Wait)
  .addSuccess(JobState)
  .addError(NotFound)
  .annotate(OpenApi.Summary, "Read a job's status, or wait for a newer one")

export const deleteJob = HttpApiEndpoint.del("deleteJob", "/jobs/:id")
  .setPath(ById)
  .addSuccess(Done)
  .addError(NotFound)
  .addError(Conflict)
  .annotate(OpenApi.Summary, "End a job")
