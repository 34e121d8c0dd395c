import { Context, Effect } from "effect"
import type { Status } from "../domain/Status.ts"

/** What one stream of a log goes through on its way from Nomad to a reader, piece after piece. */
export interface LogFilter {
  /** What may be shown by now. */
  readonly add: (piece: Uint8Array) => Uint8Array
  /** How many of the bytes that were added last it keeps back, since what follows decides about them. From there on a new filter does the same. */
  readonly held: () => number
  /** What was kept back, when nothing follows. */
  readonly end: () => Uint8Array
}

/**
 * Makes the filter for each stream of a job's logs that comes from Nomad and not from the archive. It must change logs as
 * whoever fills the archive does: places in a log count its bytes as they are shown.
 */
export class LiveLogFilter extends Context.Reference<LiveLogFilter>()("jobforge/server/LiveLogFilter", {
  defaultValue: (): { readonly of: (status: Status) => Effect.Effect<() => LogFilter> } => ({
    of: () => Effect.succeed(() => unchanged)
  })
}) {}

const nothing = new Uint8Array()

const unchanged: LogFilter = { add: (piece) => piece, held: () => 0, end: () => nothing }
