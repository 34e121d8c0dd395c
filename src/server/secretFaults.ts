import { Effect } from "effect"
import type { BuildJob } from "../domain/BuildJob.ts"
import { type FieldError, fieldError, type FieldPath } from "../domain/FieldError.ts"
import { namedVaultPaths } from "../domain/vaultPathFaults.ts"
import type { SecretPresence, Vault } from "../vault/Vault.ts"

/**
 * The secrets that a job names and that Vault is known not to have: told at submission rather than by a step that waits for
 * them in vain. What can't be known now, since Vault is away or doesn't let the service look, is no fault.
 */
export const secretFaults = (vault: Vault["Type"], job: BuildJob): Effect.Effect<ReadonlyArray<FieldError>> => {
  const paths = namedVaultPaths(job)
  if (paths.length === 0) return Effect.succeed([])
  return Effect.forEach(
    paths,
    ({ field, named }) =>
      vault.presence(named).pipe(
        Effect.catchAll((error) =>
          Effect.as(Effect.logDebug("a secret can't be looked for", error.message), "unknown" as const)
        ),
        Effect.timeoutTo({ duration: patience, onSuccess: (seen) => seen, onTimeout: () => "unknown" as const }),
        Effect.map((presence) => faultOf(presence, named, field)),
        Effect.map((fault) => (fault === undefined ? [] : [fieldError(field, fault)]))
      ),
    { concurrency: 8 }
  ).pipe(
    Effect.map((faults) => faults.flat()),
    Effect.withSpan("Jobs.secretFaults")
  )
}

/** Nobody waits longer to be let in because Vault doesn't answer. */
const patience = "3 seconds"

const faultOf = (presence: SecretPresence, path: string, field: FieldPath): string | undefined => {
  switch (presence) {
    case "missing":
      return `names a secret that Vault doesn't have: ${path}; write it first, or correct the path`
    case "deleted":
      return `names a secret whose newest version is deleted: ${path}; write it anew, or undelete it`
    case "unversioned":
      // A webhook is signed by the service itself, which reads both.
      return field[0] === "webhook_secret"
        ? undefined
        : `names a secret in a KV engine of version 1: ${path}; steps read version 2 only`
    case "present":
    case "unknown":
      return undefined
  }
}
