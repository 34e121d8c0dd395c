import { Clock, Duration, Effect, Option, Random, Stream } from "effect"
import type { ApiError } from "../http/ApiError.ts"
import type { Indexed } from "./Consul.ts"

/** Where a blocking query stands. Index 0 asks for the present state at once. */
export interface Position {
  readonly index: number
  readonly waitSeconds: number
}

/** Short, so that a path which dies without a word is noticed in time; Consul keeps abandoned queries until it is over. */
const waitSeconds = 30

/** Consul adds up to a sixteenth to the wait, so as not to wake everybody at once; 10 s for the answer itself. */
export const blockingTimeout = (position: Position): Duration.Duration =>
  Duration.seconds(position.index === 0 ? 10 : (position.waitSeconds * 17) / 16 + 10)

/** What is watched. */
export interface Watched<A> {
  /** For messages. */
  readonly what: string
  readonly read: (position: Position) => Effect.Effect<Indexed<A>, ApiError>
  /** Whether there is nothing where it looks: then Consul counts, and tells of, every change of the whole store. */
  readonly isAbsent: (value: A) => boolean
}

/**
 * Each state that `read` reports, from the present one on, for ever. A failure is waited out and followed by the
 * present state, even if its index is the old one: a Consul that was restored may have counted to the same number.
 */
export const watch = <A>(watched: Watched<A>): Stream.Stream<Indexed<A>> =>
  Stream.unfoldEffect(fresh, (state: State) => Effect.map(untilNews(watched, state), Option.some))

interface State {
  /** 0 after a start, a failure, or when Consul's index went back, as its documentation demands. */
  readonly index: number
  /** The last one that was passed on; none after a failure. */
  readonly seen: Option.Option<number>
  /** Clock time before which nothing is sent, in ms. */
  readonly notBefore: number
  /** Answers in a row that came at once and brought nothing. */
  readonly idle: number
  /** There was nothing. */
  readonly absent: boolean
}

const fresh: State = { index: 0, seen: Option.none(), notBefore: 0, idle: 0, absent: false }

/** Fast writers under a prefix must not make the reader spin; a state skipped is no loss. */
const minGapMs = 10
const maxGapMs = 1000
/** While others write and there is still nothing: how late the first thing may be seen. */
const absentGapMs = 100

const untilNews = Effect.fnUntraced(function* <A>({ isAbsent, read, what }: Watched<A>, start: State) {
  let state = start
  while (true) {
    yield* Effect.sleep(Math.max(0, state.notBefore - (yield* Clock.currentTimeMillis)))
    const sent = yield* Clock.currentTimeMillis
    const answer = yield* Effect.either(read({ index: state.index, waitSeconds }))
    if (answer._tag === "Left") {
      const recovered = yield* waitOut(what, read, answer.left)
      const index = recovered.index
      const now = yield* Clock.currentTimeMillis
      const absent = isAbsent(recovered.value)
      const seen = Option.some(index)
      const next: State = { index: Math.max(1, index), seen, notBefore: now + minGapMs, idle: 0, absent }
      return [recovered, next] as const
    }
    const { index, value } = answer.right
    const repeated = Option.contains(state.seen, index)
    const absent = isAbsent(value)
    const nothing = repeated || (absent && state.absent)
    const idle = nothing && (yield* Clock.currentTimeMillis) - sent < maxGapMs ? state.idle + 1 : 0
    state = {
      // An index of 0 would not block, and the next query would come back at once, for ever.
      index: index < state.index ? 0 : Math.max(1, index),
      seen: Option.some(index),
      notBefore: sent + Math.min(repeated ? maxGapMs : absentGapMs, minGapMs * 2 ** Math.min(idle, 10)),
      idle,
      absent
    }
    if (!repeated) return [answer.right, state] as const
  }
})

const firstPauseMs = 100
const maxPauseMs = 10_000

/** Says that it is interrupted once, and again only when the reason is another kind. */
const waitOut = Effect.fnUntraced(function* <A>(
  what: string,
  read: (position: Position) => Effect.Effect<Indexed<A>, ApiError>,
  first: ApiError
) {
  const since = yield* Clock.currentTimeMillis
  let told: ApiError["_tag"] | undefined
  let error = first
  for (let failures = 0; ; failures++) {
    if (error._tag !== told) {
      yield* Effect.logWarning("consul watch interrupted", error.message).pipe(Effect.annotateLogs({ watch: what }))
      told = error._tag
    }
    const pause = Math.min(maxPauseMs, firstPauseMs * 2 ** Math.min(failures, 10))
    yield* Effect.sleep(pause * (yield* Random.nextRange(0.5, 1)))
    const answer = yield* Effect.either(read({ index: 0, waitSeconds }))
    if (answer._tag === "Right") {
      const outage = Duration.format(Duration.millis((yield* Clock.currentTimeMillis) - since))
      yield* Effect.logInfo("consul watch resumed").pipe(Effect.annotateLogs({ watch: what, outage }))
      return answer.right
    }
    error = answer.left
  }
})
