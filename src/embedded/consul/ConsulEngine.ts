import { type Wake, Waiters } from "../http/Waiters.ts"
import { applyCommand } from "./applyCommand.ts"
import type { ConsulCommand, ConsulReply } from "./ConsulCommand.ts"
import type { ConsulState } from "./ConsulState.ts"
import { dueCommands, settleDue } from "./dueCommands.ts"
import type { Journal } from "./Journal.ts"

/** What a blocking query watches. */
export type Watched =
  | { readonly _tag: "Key"; readonly key: string }
  | { readonly _tag: "Tree"; readonly prefix: string }
  | { readonly _tag: "Topics"; readonly topics: ReadonlyArray<string> }

/**
 * The state machine on real time: it applies commands, keeps them in the journal before anybody is answered, wakes
 * those who watch what changed, and applies what time asks for.
 */
export class ConsulEngine {
  private current: ConsulState
  private readonly journal: Journal | undefined
  private readonly waiters = new Waiters()
  /** How many wait for prefixes of each length: a changed key is looked up once per length, not once per waiter. */
  private readonly treeLengths = new Map<number, number>()
  private timer: NodeJS.Timeout | undefined
  private timerAt = Number.POSITIVE_INFINITY
  private latest = 0
  /** Called after checks were registered or deregistered, or changed their status. */
  onChecksChanged: () => void = () => {}

  constructor(state: ConsulState, journal: Journal | undefined) {
    this.current = state
    this.journal = journal
  }

  get state(): ConsulState {
    return this.current
  }

  /** Throws what the journal throws; nothing has happened then. */
  execute(command: ConsulCommand): ConsulReply {
    const now = this.now()
    const checksBefore = this.current.checks
    const applied = applyCommand(this.current, command, now)
    if (applied.durable) this.journal?.append(command, now)
    this.current = applied.state
    if (applied.durable) this.journal?.compactIfLarge(applied.state)
    this.wake(applied.keys, applied.topics)
    if (applied.durable && applied.state.checks !== checksBefore) this.onChecksChanged()
    if (applied.state.due < this.timerAt) this.schedule()
    return applied.reply
  }

  /** Calls `wake` once, after a change or after `maxMs`. Returns how to give up. */
  wait(watched: Watched, maxMs: number, wake: (why: Wake) => void): () => void {
    if (watched._tag !== "Tree") {
      const topics = watched._tag === "Key" ? [`key:${watched.key}`] : watched.topics
      return this.waiters.wait(topics, maxMs, wake)
    }
    const { length } = watched.prefix
    this.treeLengths.set(length, (this.treeLengths.get(length) ?? 0) + 1)
    let counted = true
    const leave = () => {
      if (!counted) return
      counted = false
      const left = (this.treeLengths.get(length) ?? 1) - 1
      if (left === 0) this.treeLengths.delete(length)
      else this.treeLengths.set(length, left)
    }
    const forget = this.waiters.wait([`tree:${watched.prefix}`], maxMs, (why) => {
      leave()
      wake(why)
    })
    return () => {
      leave()
      forget()
    }
  }

  close(): void {
    clearTimeout(this.timer)
    this.timerAt = Number.NEGATIVE_INFINITY
    this.waiters.close()
  }

  /** Never goes back, whatever the machine's clock does. */
  private now(): number {
    this.latest = Math.max(this.latest, Date.now())
    return this.latest
  }

  private wake(keys: ReadonlyArray<string>, topics: ReadonlySet<string>): void {
    if (this.waiters.size === 0) return
    const all = [...topics]
    for (const key of keys) {
      all.push(`key:${key}`)
      for (const length of this.treeLengths.keys()) if (length <= key.length) all.push(`tree:${key.slice(0, length)}`)
    }
    this.waiters.notify(all)
  }

  private schedule(): void {
    clearTimeout(this.timer)
    this.timerAt = this.current.due
    if (this.timerAt === Number.POSITIVE_INFINITY) return
    const pause = Math.min(Math.max(this.timerAt - this.now(), 0), longestTimerMs)
    this.timer = setTimeout(() => this.tick(), pause)
  }

  private tick(): void {
    try {
      for (const command of dueCommands(this.current, this.now())) this.execute(command)
      this.current = settleDue(this.current)
      this.schedule()
    } catch {
      // The journal can't be written: nothing has happened, and the time-outs stay due until it can.
      this.timer = setTimeout(() => this.tick(), 1000)
    }
  }
}

/** The longest that setTimeout can wait. */
const longestTimerMs = 2 ** 31 - 1
