import { Effect, Option } from "effect"
import type { Resign } from "../leader/LeaderLock.ts"
import type { Check } from "../metrics/Watchdog.ts"
import type { Settings } from "../store/Settings.ts"

/**
 * Gives up the office once the work has stood still for about twice as long as `/ready` takes to turn red: the first half
 * by the clock, the second by looks in a row. A process that was stopped for a while finds all that it does old, and
 * nothing stuck.
 *
 * That Consul or Nomad doesn't answer is no reason: their calls end by themselves, and each end is progress. Whoever
 * followed would fare no better.
 */
export const resignWhenStuck = Effect.fnUntraced(function* (
  check: Check,
  settings: Effect.Effect<Settings>,
  resign: Resign
) {
  let seen = 0
  while (true) {
    const { watchdogPatience } = (yield* settings).observation
    yield* Effect.sleep(watchdogPatience / looks)
    const trouble = yield* check(watchdogPatience)
    seen = Option.isSome(trouble) ? seen + 1 : 0
    if (Option.isSome(trouble) && seen > looks) return yield* resign(trouble.value)
  }
})

const looks = 4
