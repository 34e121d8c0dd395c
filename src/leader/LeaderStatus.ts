import { Context, type Effect, type Option } from "effect"
import type { Holder } from "./Holder.ts"

/** Who leads, as this process knows it. */
export interface LeaderView {
  /** Whether this process does. */
  readonly isLeader: boolean
  /** None while nobody holds the key, or its value names nobody. */
  readonly holder: Option.Option<Holder>
  /** When the holder took office, ms since 1970. */
  readonly since: Option.Option<number>
  /** How often the key was seen to pass from one session to another. Never falls. */
  readonly transitions: number
}

/** For probes and metrics: nothing may be decided by it. */
export class LeaderStatus extends Context.Tag("jobforge/leader/LeaderStatus")<
  LeaderStatus,
  { readonly current: Effect.Effect<LeaderView> }
>() {}
