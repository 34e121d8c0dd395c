import { type HttpClient, HttpClientRequest, type HttpClientResponse } from "@effect/platform"
import { Effect, Option, Stream } from "effect"
import { type JobForgeError, JobMissing, ServiceUnavailable } from "./ClientErrors.ts"
import { errorOf } from "./errorOf.ts"
import { eventsOf, type SentEvent } from "./eventStream.ts"

/** What an event means to whoever follows. */
export type Meaning<A> =
  | { readonly kind: "item"; readonly item: A }
  /** Nothing follows, whatever the connection does. */
  | { readonly kind: "over" }
  /** This replica tells no more: another one does, or the same later. */
  | { readonly kind: "elsewhere" }
  | { readonly kind: "nothing" }

/**
 * The items of an event stream until it is over. What breaks the connection is bridged: the service resumes after the id
 * that was seen last.
 */
export const followStream = <A>(
  http: HttpClient.HttpClient,
  url: string,
  meaningOf: (event: SentEvent) => Effect.Effect<Meaning<A>, JobForgeError>
): Stream.Stream<A, JobForgeError> =>
  Stream.suspend(() => {
    const seen: Seen = { lastId: undefined, over: false, failures: 0 }
    const connection = Stream.suspend(() => connect(http, url, seen)).pipe(
      Stream.mapEffect((event) =>
        Effect.map(meaningOf(event), (meaning) => {
          seen.lastId = event.id ?? seen.lastId
          seen.over = meaning.kind === "over"
          seen.failures = meaning.kind === "elsewhere" ? seen.failures + 1 : 0
          return meaning.kind === "item" ? Option.some(meaning.item) : Option.none()
        })
      ),
      Stream.filterMap((item) => item),
      Stream.catchAll((failure) => {
        seen.failures += 1
        return failure._tag === "ServiceUnavailable" ? Stream.empty : Stream.fail(failure)
      })
    )
    const go = (): Stream.Stream<A, JobForgeError> =>
      Stream.concat(
        connection,
        Stream.suspend(() => (seen.over ? Stream.empty : Stream.concat(pause(seen.failures), go())))
      )
    return go()
  })

/** A stream of the job ended since there is nothing more to follow it by. */
export const jobGone = (jobId: string, why: "deleted" | "superseded"): JobMissing =>
  new JobMissing({
    code: 404,
    error: "Job not found",
    details: why === "deleted" ? `job ${jobId} was deleted` : `the record of job ${jobId} has a newer run`
  })

interface Seen {
  lastId: string | undefined
  over: boolean
  /** In a row. */
  failures: number
}

const connect = (http: HttpClient.HttpClient, url: string, seen: Seen): Stream.Stream<SentEvent, JobForgeError> =>
  HttpClientRequest.get(url).pipe(
    HttpClientRequest.setHeaders({
      accept: "text/event-stream",
      ...(seen.lastId === undefined ? {} : { "last-event-id": seen.lastId })
    }),
    http.execute,
    Effect.mapError(errorOf),
    Effect.flatMap((response) => eventsIn(response, seen)),
    Stream.unwrap
  )

const eventsIn = (
  response: HttpClientResponse.HttpClientResponse,
  seen: Seen
): Effect.Effect<Stream.Stream<SentEvent, JobForgeError>, JobForgeError> => {
  if (response.status === 200) return Effect.succeed(Stream.mapError(eventsOf(response.stream), errorOf))
  if (response.status === 204) {
    // How a server tells a client that resumes that it has had everything.
    seen.over = true
    return Effect.succeed(Stream.empty)
  }
  return Effect.matchEffect(response.json, {
    onFailure: (failure) => Effect.fail(errorOf(failure)),
    onSuccess: (body) => Effect.fail(failureOf(response.status, errorOf(body)))
  })
}

/** A gateway speaks JSON of its own while the service behind it is replaced. */
const failureOf = (status: number, failure: JobForgeError): JobForgeError =>
  failure._tag === "UnexpectedAnswer" && status >= 502 && status <= 504
    ? new ServiceUnavailable({ code: status, error: `a gateway answered ${status}` })
    : failure

/** Milliseconds doubled with each failure in a row, up to 10 s. */
const pause = (failures: number): Stream.Stream<never> =>
  Stream.drain(Stream.fromEffect(Effect.sleep(Math.min(10_000, 50 * 2 ** Math.min(failures, 8)))))
