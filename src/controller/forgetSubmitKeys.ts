import { Clock, Effect } from "effect"
import type { Consul } from "../consul/Consul.ts"
import type { Lease } from "../leader/LeaderLock.ts"
import type { Keys } from "../store/keys.ts"
import { pruneSubmitKeys } from "../store/SubmitKey.ts"

/** Forgets submit keys that nobody can mean any more, for one term of office. */
export const forgetSubmitKeys = (keys: Keys, { fence }: Lease): Effect.Effect<never, never, Consul> =>
  Clock.currentTimeMillis.pipe(
    Effect.flatMap((now) => pruneSubmitKeys(keys, fence, now)),
    // They do no harm until the next time.
    Effect.catchAll((error) => Effect.logWarning("submit keys were not tidied", error.message)),
    Effect.zipRight(Effect.sleep("1 hour")),
    Effect.forever
  )
