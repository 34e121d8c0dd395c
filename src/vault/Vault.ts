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
    /** Whether there is such a secret, by its metadata: no value is read. The path is as for `read`. */
    readonly presence: (path: string) => Effect.Effect<SecretPresence, ApiError>
    readonly health: Effect.Effect<"healthy" | "unhealthy" | "disabled">
  }
>() {}

/**
 * `deleted`: its newest version is. `unversioned`: its engine is KV version 1, which steps' templates don't read.
 * `unknown`: the service may not look, which says nothing about those who may.
 */
export type SecretPresence = "present" | "missing" | "deleted" | "unversioned" | "unknown"
