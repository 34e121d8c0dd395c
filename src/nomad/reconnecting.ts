import { Effect, Schedule, type Scope, Stream } from "effect"
import { NomadEvent } from "./NomadEvent.ts"

/**
 * What a connection brings, one connection after the other: each begins with `Connected` and ends with an error, upon
 * which the schedule tells how long to wait. The schedule begins anew with each connection that was made; when it ends,
 * the stream ends with the last error.
 *
 * Stream.retry does the same, but provides the schedule's state to each step of the stream: a fifth of what the
 * controller's fibers did while jobs ran.
 */
export const reconnecting = <E, X>(
  open: Effect.Effect<Stream.Stream<NomadEvent, E>, E, Scope.Scope>,
  schedule: Schedule.Schedule<X, E>,
  onInterruption: (error: E) => Effect.Effect<void> = () => Effect.void
): Stream.Stream<NomadEvent, E> =>
  Schedule.driver(schedule).pipe(
    Effect.map((driver) => {
      const connected = Stream.fromEffect(Effect.as(driver.reset, NomadEvent.Connected()))
      const connection = open.pipe(
        Effect.map((events) => Stream.concat(connected, events)),
        Stream.unwrapScoped
      )
      const connections: Stream.Stream<NomadEvent, E> = Stream.catchAll(connection, (error) =>
        onInterruption(error).pipe(
          Effect.zipRight(driver.next(error)),
          Effect.match({ onFailure: () => Stream.fail(error), onSuccess: () => connections }),
          Stream.unwrap
        )
      )
      return connections
    }),
    Stream.unwrap
  )
