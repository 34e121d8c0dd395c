import { Data, Option } from "effect"

/**
 * A moment on two clocks, in ms. The wall clock can be set back; the steady one, whose zero is arbitrary, stands still
 * while a machine sleeps.
 */
export interface Instant {
  readonly wall: number
  readonly steady: number
}

/** By the clock that says more: whoever must stop in time may stop too early, never too late. */
export const elapsed = (from: Instant, to: Instant): number => Math.max(to.wall - from.wall, to.steady - from.steady)

/** What ends a session for sure, however much time is left. */
export type End = "ProofGone" | "Lapsed" | "KeyLost" | "Wedged" | "PacemakerGone"

/**
 * Whether a report that was answered at `answered` came before the check of the last one, sent at `last`, could run out.
 * One that comes after revives the check, not the session that ended with it, and is answered just as well.
 */
export const unbroken = (last: Instant, answered: Instant, ttl: number): boolean => elapsed(last, answered) < ttl

/** What is known of a session, by the sending of the requests that told it: an answer may have been long on its way. */
export interface Vitals {
  /** When the last report was sent that keeps the session alive and was answered well and in time. */
  readonly beat: Instant
  /** When the last read was sent by which the servers, not the agent, said that the session holds the key. */
  readonly confirmed: Instant
  readonly end: Option.Option<End>
}

/** What Consul was told about the session, in ms. */
export interface SessionTerms {
  /** From the last report on: the least time until Consul ends the session. */
  readonly ttl: number
  /** From the session's end on: how long nobody can take the key. */
  readonly lockDelay: number
}

/** A candidate has a session; a leader holds the key with it. */
export type Role = "candidate" | "leader"

export type Judgement = Data.TaggedEnum<{
  /** `left` ms from now, unless better news come. */
  Holds: { readonly left: number }
  Over: { readonly reason: string }
}>
export const Judgement = Data.taggedEnum<Judgement>()

/**
 * Whether the session can still be relied on.
 *
 * Nobody takes the key before `ttl + lockDelay` after the last report that reached Consul: at the earliest then it
 * stops being ours, and what leading opened has to be closed before. The same bound after the servers' last
 * confirmation covers an agent that is cut off from them and still says yes to every report: they need more than 4 s to
 * declare such a node failed (memberlist: a probe a second, then at least 4 s of suspicion; 5 to 7 s measured), and the
 * lock delay comes on top.
 */
export const judge = (role: Role, vitals: Vitals, terms: SessionTerms, now: Instant): Judgement => {
  if (Option.isSome(vitals.end)) return Judgement.Over({ reason: words[vitals.end.value] })
  const beat = elapsed(vitals.beat, now)
  if (role === "candidate") return within(terms.ttl - beat, `no report was taken for ${Math.round(beat)} ms`)
  const confirmed = elapsed(vitals.confirmed, now)
  const lease = terms.ttl + terms.lockDelay - margin
  return beat > confirmed
    ? within(lease - beat, `no report was taken for ${Math.round(beat)} ms`)
    : within(lease - confirmed, `the servers confirmed nothing for ${Math.round(confirmed)} ms`)
}

/** For closing what leading opened, and for clocks that run at different speeds. */
const margin = 500

const within = (left: number, reason: string): Judgement =>
  left > 0 ? Judgement.Holds({ left }) : Judgement.Over({ reason })

const words: Readonly<Record<End, string>> = {
  Lapsed: "a report came so late that the session may have ended before it",
  ProofGone: "Consul no longer knows the session or its check",
  KeyLost: "the servers say that the key is not held by this session",
  Wedged: "the process did nothing else for too long",
  PacemakerGone: "the thread that keeps the session alive has ended"
}
