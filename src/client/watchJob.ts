import { type HttpClient, HttpClientRequest } from "@effect/platform"
import { Effect, Option, Schema, Stream } from "effect"
import { StreamEnd, Transition } from "../api/Transition.ts"
import { okOrFailure } from "./callsOf.ts"
import { JobMissing } from "./ClientErrors.ts"
import { errorOf } from "./errorOf.ts"
import { eventsOf } from "./eventStream.ts"

/** A job's transitions until it is over. What breaks the connection is bridged: the service resumes where it was. */
export const watchJob = (
  http: HttpClient.HttpClient,
  baseUrl: string,
  id: string
): Stream.Stream<Transition, unknown> =>
  Stream.suspend(() => {
    const seen: Seen = { lastId: undefined, over: false, failures: 0 }
    const go = (): Stream.Stream<Transition, unknown> =>
      connection(http, `${baseUrl}/json/job/${encodeURIComponent(id)}/events`, seen).pipe(
        Stream.catchAll((failure) => {
          seen.failures += 1
          const { _tag } = errorOf(failure)
          return _tag === "ServiceUnavailable" ? Stream.empty : Stream.fail(failure)
        }),
        Stream.concat(Stream.suspend(() => (seen.over ? Stream.empty : Stream.concat(pause(seen.failures), go()))))
      )
    return go()
  })

interface Seen {
  lastId: string | undefined
  over: boolean
  /** In a row. */
  failures: number
}

const connection = (http: HttpClient.HttpClient, url: string, seen: Seen): Stream.Stream<Transition, unknown> =>
  HttpClientRequest.get(url).pipe(
    HttpClientRequest.setHeaders({
      accept: "text/event-stream",
      ...(seen.lastId === undefined ? {} : { "last-event-id": seen.lastId })
    }),
    http.execute,
    Effect.flatMap(okOrFailure),
    Effect.map(({ stream }) => eventsOf(stream)),
    Stream.unwrap,
    Stream.mapEffect(({ data, event, id }) =>
      Effect.gen(function* () {
        seen.failures = 0
        seen.lastId = id ?? seen.lastId
        if (event === "transition") return Option.some(yield* decodeTransition(data))
        if (event === "end") yield* ending(yield* decodeEnd(data), seen)
        return Option.none<Transition>()
      })
    ),
    Stream.filterMap((transition) => transition)
  )

const decodeTransition = Schema.decode(Schema.parseJson(Transition))
const decodeEnd = Schema.decode(Schema.parseJson(StreamEnd))

const ending = ({ job_id, reason }: StreamEnd, seen: Seen): Effect.Effect<void, JobMissing> => {
  switch (reason) {
    case "finished":
      return Effect.sync(() => {
        seen.over = true
      })
    case "gone":
    case "superseded":
      return Effect.fail(
        new JobMissing({
          code: 404,
          error: "Job not found",
          details: reason === "gone" ? `job ${job_id} was deleted` : `the record of job ${job_id} has a newer run`
        })
      )
    case "shutdown":
    case "unavailable":
      // Another replica answers, or the same one later.
      return Effect.sync(() => {
        seen.failures += 1
      })
  }
}

/** Milliseconds doubled with each failure in a row, up to 10 s. */
const pause = (failures: number): Stream.Stream<never> =>
  Stream.drain(Stream.fromEffect(Effect.sleep(Math.min(10_000, 100 * 2 ** Math.min(failures, 7)))))
