import { Context, Effect, type Scope } from "effect"

/**
 * Calls of clients whose cancellation comes as a message of its own. Nothing else is kept between two requests: a
 * session's id tells one client's calls from another's, and any replica serves any id.
 */
export class RunningCalls extends Context.Reference<RunningCalls>()("jobforge/server/rpc/RunningCalls", {
  defaultValue: () => makeRunningCalls()
}) {}

interface Calls {
  /** For as long as the scope is open `stop` is what cancelling the call does. */
  readonly add: (
    session: string,
    id: string | number,
    stop: Effect.Effect<void>
  ) => Effect.Effect<void, never, Scope.Scope>
  /** A call that isn't under way here, or not any more, is no error. */
  readonly cancel: (session: string, id: string | number) => Effect.Effect<void>
}

/** Of one replica. */
export const makeRunningCalls = (): Calls => {
  const stops = new Map<string, Effect.Effect<void>>()
  const keyOf = (session: string, id: string | number) => `${session} ${typeof id} ${id}`
  return {
    add: (session, id, stop) =>
      Effect.acquireRelease(
        Effect.sync(() => stops.set(keyOf(session, id), stop)),
        () => Effect.sync(() => stops.delete(keyOf(session, id)))
      ),
    cancel: (session, id) => Effect.suspend(() => stops.get(keyOf(session, id)) ?? Effect.void)
  }
}
