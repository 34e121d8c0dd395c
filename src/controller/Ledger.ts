import type { Competition, Contender, Waiter } from "../domain/Competition.ts"
import type { Policy } from "../domain/Policy.ts"
import type { Slot } from "../domain/slots.ts"
import { isTerminal, type Status, type Waiting } from "../domain/Status.ts"

/** What one status says about its run's place among the others. */
interface Entry extends Contender {
  readonly owner: string
  readonly slots: ReadonlyArray<Slot>
  /** Admitted and not over. */
  readonly running: boolean
  readonly waiting: Waiting | undefined
  readonly supersedes: boolean
}

/** A run that asks what the others leave to it. */
export interface Applicant {
  readonly name: string
  readonly owner: string
  /** Those that it may want. */
  readonly slots: Iterable<Slot>
}

/**
 * Who holds what and who waits for it, from the statuses alone: only the leader writes them, so what it has written or
 * read is the truth, and a new leader rebuilds the same book.
 */
export interface Ledger {
  /** Enters a status; answers with the names of the runs for which that may change something. */
  readonly take: (status: Status) => ReadonlyArray<string>
  /** Strikes out a run whose status is in the store no more. */
  readonly forget: (name: string) => void
  readonly competition: (run: Applicant, policy: Pick<Policy, "maxRunning" | "maxRunningPerOwner">) => Competition
  /** The record whose present run this is. */
  readonly nameOf: (jobId: string) => string | undefined
  readonly isHeld: (slot: Slot) => boolean
}

export const makeLedger = (): Ledger => {
  /** Of runs that hold, take or wait for something: of the others, most of all, only the ids are known. */
  const entries = new Map<string, Entry>()
  const holders = new Map<Slot, Entry>()
  const waiters = new Map<string, Entry>()
  const names = new Map<string, string>()
  const ids = new Map<string, string>()
  const running = new Map<string, number>()
  let total = 0

  const count = (entry: Entry | undefined, by: number) => {
    if (entry?.running !== true) return
    total += by
    running.set(entry.owner, (running.get(entry.owner) ?? 0) + by)
  }

  const replace = (entry: Entry) => {
    const before = entries.get(entry.name)
    count(before, -1)
    count(entry, 1)
    for (const slot of before?.slots ?? []) if (holders.get(slot)?.name === entry.name) holders.delete(slot)
    for (const slot of entry.slots) holders.set(slot, entry)
    identify(entry.name, entry.jobId)
    if (entry.waiting === undefined) waiters.delete(entry.name)
    else waiters.set(entry.name, entry)
    if (matters(entry)) entries.set(entry.name, entry)
    else entries.delete(entry.name)
    return before
  }

  const identify = (name: string, jobId: string) => {
    const before = ids.get(name)
    if (before === jobId) return
    if (before !== undefined && names.get(before) === name) names.delete(before)
    ids.delete(name)
    if (jobId === "") return
    ids.set(name, jobId)
    names.set(jobId, name)
  }

  const inOrder = () => [...waiters.values()].toSorted(earlierFirst)

  const wakenBy = (entry: Entry, before: Entry | undefined): ReadonlyArray<string> => {
    const released = (before?.slots ?? []).filter((slot) => !entry.slots.includes(slot))
    // Who stopped waiting no longer stands before the others. Who still waits changes nothing for them: two runs that
    // woke each other by being looked at would never rest.
    const given = (before?.waiting?.slots ?? []).filter((slot) => entry.waiting?.slots.includes(slot) !== true)
    const freed = new Set([...released, ...given])
    const forSlots = inOrder().filter(({ waiting }) => waiting?.slots.some((slot) => freed.has(slot)) === true)
    const ended = before?.running === true && !entry.running
    const forCapacity = ended ? inOrder().filter(waitsForCapacity).slice(0, wokenAtOnce) : []
    const threatened = entry.supersedes
      ? (entry.waiting?.slots ?? []).flatMap((slot) => holders.get(slot)?.name ?? [])
      : []
    return [...new Set([...[...forSlots, ...forCapacity].map(({ name }) => name), ...threatened])].filter(
      (name) => name !== entry.name
    )
  }

  return {
    take: (status) => {
      const entry = entryOf(status)
      return wakenBy(entry, replace(entry))
    },
    forget: (name) => {
      identify(name, "")
      const entry = entries.get(name)
      if (entry === undefined) return
      count(entry, -1)
      for (const slot of entry.slots) if (holders.get(slot)?.name === name) holders.delete(slot)
      waiters.delete(name)
      entries.delete(name)
    },
    competition: ({ name, owner, slots }, policy) => {
      const self = entries.get(name)
      const ahead = inOrder().filter((other) => other.name !== name && isAhead(other, self))
      const own = new Set(self?.slots ?? [])
      return {
        holders: new Map(
          [...slots].flatMap((slot) => {
            const holder = holders.get(slot)
            return holder === undefined || holder.name === name ? [] : [[slot, holder] as const]
          })
        ),
        ahead: ahead.map(asWaiter),
        running: total - (self?.running === true ? 1 : 0),
        runningOfOwner: (running.get(owner) ?? 0) - (self?.running === true && self.owner === owner ? 1 : 0),
        aheadForCapacity: placesTaken(ahead.filter(waitsForCapacity), owner, policy, running),
        superseder: [...waiters.values()].find(
          (other) =>
            other.name !== name && other.supersedes && other.waiting?.slots.some((slot) => own.has(slot)) === true
        )
      }
    },
    nameOf: (jobId) => names.get(jobId),
    isHeld: (slot) => holders.has(slot)
  }
}

const matters = ({ running, slots, waiting }: Entry): boolean => running || slots.length > 0 || waiting !== undefined

/** Waiting runs that are looked at when one place becomes free: the first may not be the one that can use it. */
const wokenAtOnce = 16

const entryOf = (status: Status): Entry => {
  const over = isTerminal(status.status)
  const waiting = over ? undefined : status.waiting
  return {
    name: status.name,
    jobId: status.job_id ?? "",
    owner: status.config?.owner ?? "",
    slots: status.slots,
    running: !over && status.attempts.length > 0,
    waiting,
    supersedes: waiting?.reason === "WaitingForSlot" && status.on_conflict === "supersede"
  }
}

const waitsForCapacity = ({ waiting }: Entry): boolean => waiting?.reason === "WaitingForCapacity"

const asWaiter = ({ jobId, name, waiting }: Entry): Waiter => ({ name, jobId, slots: new Set(waiting?.slots ?? []) })

const earlierFirst = (a: Entry, b: Entry): number =>
  (a.waiting?.since ?? 0) - (b.waiting?.since ?? 0) || (a.name < b.name ? -1 : 1)

/** Whoever doesn't wait yet stands behind all that do. */
const isAhead = (other: Entry, self: Entry | undefined): boolean =>
  self?.waiting === undefined || earlierFirst(other, self) < 0

/** The places that those ahead will take: not those whose owner is at its own limit, or one owner would block all. */
const placesTaken = (
  ahead: ReadonlyArray<Entry>,
  owner: string,
  { maxRunningPerOwner }: Pick<Policy, "maxRunning" | "maxRunningPerOwner">,
  running: ReadonlyMap<string, number>
): Competition["aheadForCapacity"] => {
  const taken = new Map<string, number>()
  for (const entry of ahead) {
    const already = taken.get(entry.owner) ?? 0
    const full = maxRunningPerOwner > 0 && (running.get(entry.owner) ?? 0) + already >= maxRunningPerOwner
    if (!full) taken.set(entry.owner, already + 1)
  }
  return { ofOwner: taken.get(owner) ?? 0, all: [...taken.values()].reduce((sum, some) => sum + some, 0) }
}
