import { Cause, type Clock, Context, Effect, Exit, Option } from "effect"
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
        return Effect.onExit(request, (exit) =>
          Effect.sync(() => {
            touch()
            const result = resultOf(exit)
            if (!metrics.enabled || result === undefined) return
            const labels = { system, operation: operation.split(" ", 1)[0] ?? operation }
            metrics.add(family.clientRequests, { ...labels, result })
            metrics.observe(family.clientTime, labels, Number(clock.unsafeCurrentTimeNanos() - began) / 1e9)
          })
        )
      })
    })

const resultOf = <A, E extends { readonly _tag: string }>(exit: Exit.Exit<A, E>): RequestResult | undefined => {
  if (Exit.isSuccess(exit)) return "ok"
  return Option.match(Cause.failureOption(exit.cause), {
    onNone: () => undefined,
    onSome: ({ _tag }) => byTag[_tag] ?? "unavailable"
  })
}

const byTag: Readonly<Record<string, RequestResult>> = {
  NotFound: "not_found",
  Conflict: "conflict",
  Denied: "denied",
  Invalid: "invalid",
  Unavailable: "unavailable"
}
