import { Context, Effect } from "effect"

/**
 * Tells what answers for long that this replica stops serving: a wait answers with what there is, a stream ends and says
 * so. A server that is closed waits for its open answers, and some of them have no end of their own.
 *
 * Whoever serves provides it; where nobody does, nothing stops before the process.
 */
export class Stopping extends Context.Reference<Stopping>()("jobforge/server/Stopping", {
  defaultValue: (): {
    /** Completes when the replica stops. */
    readonly signal: Effect.Effect<void>
  } => ({ signal: Effect.never })
}) {}
