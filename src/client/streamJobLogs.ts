import type { HttpClient } from "@effect/platform"
import { Effect, Schema, type Stream } from "effect"
import { LogEnd, LogEvent } from "../api/LogEvent.ts"
import type { JobForgeError, JobMissing } from "./ClientErrors.ts"
import { errorOf } from "./errorOf.ts"
import type { SentEvent } from "./eventStream.ts"
import { followStream, jobGone, type Meaning } from "./followStream.ts"

/** A job's log line by line, from its beginning or from a cursor, until the job is over. */
export const streamJobLogs = (
  http: HttpClient.HttpClient,
  baseUrl: string,
  id: string,
  from: string | undefined
): Stream.Stream<LogEvent, JobForgeError> => {
  const query = from === undefined ? "" : `?from=${encodeURIComponent(from)}`
  return followStream(http, `${baseUrl}/json/job/${encodeURIComponent(id)}/logs/stream${query}`, meaningOf)
}

const readEvent = Schema.decode(Schema.parseJson(LogEvent))
const readEnd = Schema.decode(Schema.parseJson(LogEnd))

const meaningOf = ({ data, event }: SentEvent): Effect.Effect<Meaning<LogEvent>, JobForgeError> =>
  event === "end"
    ? Effect.flatMap(Effect.mapError(readEnd(data), errorOf), meaningOfEnd)
    : Effect.mapBoth(readEvent(data), { onFailure: errorOf, onSuccess: (item) => ({ kind: "item", item }) })

const meaningOfEnd = ({ job_id, reason }: LogEnd): Effect.Effect<Meaning<never>, JobMissing> => {
  switch (reason) {
    case "succeeded":
    case "failed":
    case "cancelled":
      return Effect.succeed({ kind: "over" })
    case "shutdown":
    case "slow reader":
      return Effect.succeed({ kind: "elsewhere" })
    case "not found":
      return jobGone(job_id, "deleted")
    case "superseded":
      return jobGone(job_id, "superseded")
  }
}
