import { Cause, type Clock, Context, Effect, Option } from "effect"
import { family, type RequestResult } from "./families.ts"
import { Metrics } from "./Metrics.ts"
import { Progress } from "./Progress.ts"

/**
 * Measures one request and notes that whoever made it goes on. `operation` may name what it is about after a space, which
 * is left out: a label must not grow with the jobs. One that is interrupted is no result.
 */
export const measureRequest =
  (system: string, operation: string) =>
  <A, E extends { readonly _tag: string }, R>(request: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.contextWithEffect((context: Context.Context<never>) => {
      const metrics = Context.get(context, Metrics)
      const { touch } = Context.get(context, Progress)
      return Effect.flatMap(Effect.clock, (clock: Clock.Clock) => {
        const began = clock.unsafeCurrentTimeNanos()
        const note = (result: RequestResult | undefined) => {
          touch()
          if (!metrics.enabled || result === undefined) return
          const labels = { system, operation: operation.split(" ", 1)[0] ?? operation }
          metrics.add(family.clientRequests, { ...labels, result })
          metrics.observe(family.clientTime, labels, Number(clock.unsafeCurrentTimeNanos() - began) / 1e9)
        }
        // Not `onExit`, which costs as much as all the rest: of one that is interrupted there is nothing to note.
        return Effect.matchCauseEffect(request, {
          onFailure: (cause) => {
            note(resultOf(cause))
            return Effect.failCause(cause)
          },
          onSuccess: (answer) => {
            note("ok")
            return Effect.succeed(answer)
          }
        })
      })
    })

const resultOf = <E extends { readonly _tag: string }>(cause: Cause.Cause<E>): RequestResult | undefined =>
  Option.match(Cause.failureOption(cause), {
    onNone: () => undefined,
    onSome: ({ _tag }) => byTag[_tag] ?? "unavailable"
  })

const byTag: Readonly<Record<string, RequestResult>> = {
  NotFound: "not_found",
  Conflict: "conflict",
  Denied: "denied",
  Invalid: "invalid",
  Unavailable: "unavailable"
}
