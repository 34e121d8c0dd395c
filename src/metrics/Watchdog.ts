import { Context, Effect, Option, type Scope } from "effect"

/** What is wrong now, in words for an operator. Told how long, in ms, something may stand still. */
export type Check = (patience: number) => Effect.Effect<Option.Option<string>>

export interface Dog {
  /** Asks until the scope closes. */
  readonly watch: (check: Check) => Effect.Effect<void, never, Scope.Scope>
  readonly troubles: Effect.Effect<ReadonlyArray<string>>
}

const asleep: Dog = { watch: () => Effect.void, troubles: Effect.succeed([]) }

/** Whether what must not stop goes on. Without one that was made nothing is watched. */
export class Watchdog extends Context.Reference<Watchdog>()("jobforge/metrics/Watchdog", {
  defaultValue: (): Dog => asleep
}) {}

export const makeWatchdog = (patience: Effect.Effect<number>): Dog => {
  const checks = new Set<Check>()
  return {
    watch: (check) =>
      Effect.acquireRelease(
        Effect.sync(() => checks.add(check)),
        () => Effect.sync(() => checks.delete(check))
      ),
    troubles: Effect.flatMap(patience, (millis) =>
      Effect.map(
        Effect.forEach(checks, (check) => check(millis)),
        (found) => found.flatMap(Option.toArray)
      )
    )
  }
}
