import { Context, type Effect } from "effect"
import type { ApiError } from "../http/ApiError.ts"

/**
 * The service's own reading of secrets: what signs a webhook, and what must not show in a log. A build's credentials reach
 * its tasks by Nomad's templates, never through here.
 */
export class Vault extends Context.Tag("jobforge/vault/Vault")<
  Vault,
  {
    /**
     * The fields of a secret, texts only. The path is as a record gives it: with or without the mount, with or without
     * `data/` of a KV of version 2. `NotFound` when there is none, `Denied` when the service may not read it.
     */
    readonly read: (path: string) => Effect.Effect<Readonly<Record<string, string>>, ApiError>
    readonly health: Effect.Effect<"healthy" | "unhealthy" | "disabled">
  }
>() {}
