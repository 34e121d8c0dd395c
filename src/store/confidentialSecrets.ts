import { Effect, Option } from "effect"
import type { Consul } from "../consul/Consul.ts"
import { confidentialValues } from "../domain/confidentialValues.ts"
import type { Confidential } from "../domain/encodeRecord.ts"
import { parseVaultReference } from "../domain/vaultReference.ts"
import type { Keys } from "./keys.ts"
import type { SecretSource } from "./secretSources.ts"
import { confidentialValue } from "./confidentialValue.ts"

export interface ConfidentialSecrets {
  readonly values: ReadonlyArray<string>
  /** Those that Vault has. */
  readonly references: ReadonlyArray<SecretSource>
}

/** What the receivers of a job's webhooks are told in confidence. Nothing, when it can't be read: no step has it. */
export const readConfidential = (consul: Consul["Type"], keys: Keys, id: string): Effect.Effect<ConfidentialSecrets> =>
  consul.get(keys.confidential(id)).pipe(
    Effect.map(Option.flatMap(({ value }) => confidentialValue.decode(value))),
    Effect.catchAll((error) => Effect.as(Effect.logDebug("confidential part not read", error.message), Option.none())),
    Effect.map(Option.match({ onNone: () => ({ values: [], references: [] }), onSome: secretsOf }))
  )

const secretsOf = (confidential: Confidential): ConfidentialSecrets => {
  const { webhook_secret: secret } = confidential
  const reference = secret === undefined ? Option.none() : parseVaultReference(secret)
  return {
    values: confidentialValues(confidential),
    references: Option.match(reference, { onNone: () => [], onSome: ({ path }) => [{ path, kind: "all" as const }] })
  }
}
