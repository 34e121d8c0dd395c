import { Duration } from "effect"
import { isTerminal, type Reason, type Status } from "../domain/Status.ts"

/** How many of the ended jobs succeeded, for windows of up to a day, to the minute. */
export interface SuccessRate {
  /** Counts an ended run; one that is under way doesn't count. Until `distinct` a run counts once, however often it is noted. */
  readonly note: (status: Status) => void
  /** From now on no run is noted twice: what tells them apart, a day's runs, is forgotten. */
  readonly distinct: () => void
  /** By owner, and as `all` for all of them: NaN where nothing ended. */
  readonly within: (window: number, now: number) => ReadonlyMap<string, number>
}

interface Tally {
  succeeded: number
  failed: number
}

export const makeSuccessRate = (ownerLabel: (owner: string) => string): SuccessRate => {
  /** By the minute of their end, then by owner. */
  const minutes = new Map<number, Map<string, Tally>>()
  let counted: Set<string> | undefined = new Set()

  const forget = (now: number) => {
    const oldest = minuteOf(now - longest)
    for (const minute of minutes.keys()) if (minute < oldest) minutes.delete(minute)
  }

  return {
    note: (status) => {
      const ended = endOf(status)
      if (ended === undefined) return
      const run = status.job_id ?? `${status.name}/${status.generation}`
      if (counted?.has(run) === true) return
      counted?.add(run)
      const minute = minuteOf(ended)
      const owners = minutes.get(minute) ?? new Map<string, Tally>()
      minutes.set(minute, owners)
      const owner = ownerLabel(status.config?.owner ?? "")
      const tally = owners.get(owner) ?? { succeeded: 0, failed: 0 }
      owners.set(owner, tally)
      if (status.status === "SUCCEEDED") tally.succeeded += 1
      else tally.failed += 1
    },
    distinct: () => {
      counted = undefined
    },
    within: (window, now) => {
      forget(now)
      const since = minuteOf(now - window)
      const sums = new Map<string, Tally>([["all", { succeeded: 0, failed: 0 }]])
      for (const [minute, owners] of minutes) {
        if (minute <= since) continue
        for (const [owner, { failed, succeeded }] of owners) {
          for (const name of [owner, "all"]) {
            const sum = sums.get(name) ?? { succeeded: 0, failed: 0 }
            sums.set(name, { succeeded: sum.succeeded + succeeded, failed: sum.failed + failed })
          }
        }
      }
      // Of none of them: 0 / 0.
      return new Map(Array.from(sums, ([owner, { failed, succeeded }]) => [owner, succeeded / (succeeded + failed)]))
    }
  }
}

/** When a run ended; none where it has not, or where its end tells nothing. */
const endOf = ({ reason, status, times }: Status): number | undefined =>
  isTerminal(status) && (reason === undefined || !wanted.has(reason)) ? times.job_end : undefined

const longest = Duration.toMillis(Duration.hours(24))

const minuteOf = (at: number): number => Math.floor(at / 60_000)

/** These ends are no failures: somebody wanted them. */
const wanted: ReadonlySet<Reason> = new Set(["Cancelled", "Deleted", "Superseded"])
