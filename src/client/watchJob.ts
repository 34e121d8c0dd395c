import type { HttpClient } from "@effect/platform"
import { Effect, Schema, type Stream } from "effect"
import { StreamEnd, Transition } from "../api/Transition.ts"
import type { JobForgeError, JobMissing } from "./ClientErrors.ts"
import { errorOf } from "./errorOf.ts"
import type { SentEvent } from "./eventStream.ts"
import { followStream, jobGone, type Meaning } from "./followStream.ts"

/** A job's transitions until it is over. */
export const watchJob = (
  http: HttpClient.HttpClient,
  baseUrl: string,
  id: string
): Stream.Stream<Transition, JobForgeError> =>
  followStream(http, `${baseUrl}/json/job/${encodeURIComponent(id)}/events`, meaningOf)

const readTransition = Schema.decode(Schema.parseJson(Transition))
const readEnd = Schema.decode(Schema.parseJson(StreamEnd))

const meaningOf = ({ data, event }: SentEvent): Effect.Effect<Meaning<Transition>, JobForgeError> => {
  switch (event) {
    case "transition":
      return Effect.mapBoth(readTransition(data), { onFailure: errorOf, onSuccess: (item) => ({ kind: "item", item }) })
    case "end":
      return Effect.flatMap(Effect.mapError(readEnd(data), errorOf), meaningOfEnd)
    default:
      return Effect.succeed({ kind: "nothing" })
  }
}

const meaningOfEnd = ({ job_id, reason }: StreamEnd): Effect.Effect<Meaning<never>, JobMissing> => {
  switch (reason) {
    case "finished":
      return Effect.succeed({ kind: "over" })
    case "shutdown":
    case "unavailable":
      return Effect.succeed({ kind: "elsewhere" })
    case "gone":
      return jobGone(job_id, "deleted")
    case "superseded":
      return jobGone(job_id, "superseded")
  }
}
