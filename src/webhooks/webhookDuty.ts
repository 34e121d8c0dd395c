import { Effect, type Scope } from "effect"
import type { Lease } from "../leader/LeaderLock.ts"
import type { JobArchive } from "../store/JobArchive.ts"
import type { Keys } from "../store/keys.ts"
import { runWebhooks } from "./runWebhooks.ts"
import type { SenderNeeds } from "./settleDelivery.ts"
import { sweepConfidential } from "./sweepConfidential.ts"

/** What whoever leads has to do about webhooks: send what is due, and forget what nothing is signed with any more. */
export const webhookDuty = (
  keys: Keys,
  { isLive, lease }: { readonly lease: Lease; readonly isLive: (id: string) => boolean }
): Effect.Effect<never, never, JobArchive | SenderNeeds | Scope.Scope> =>
  Effect.zipRight(Effect.forkScoped(sweepConfidential(keys, lease, isLive)), runWebhooks(keys, lease))
