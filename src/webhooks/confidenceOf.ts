import { Effect, Option } from "effect"
import { Consul } from "../consul/Consul.ts"
import { looksLikeVaultReference, parseVaultReference } from "../domain/vaultReference.ts"
import type { Keys } from "../store/keys.ts"
import { Vault } from "../vault/Vault.ts"
import type { Delivery } from "./Delivery.ts"
import type { Confidence } from "./deliveryHeaders.ts"
import { Failed, GivenUp, Postponed } from "./Unsent.ts"
import { confidentialValue } from "../store/confidentialValue.ts"

/**
 * What a delivery is signed with and what else its receiver alone may know. A delivery that should be signed never goes out
 * unsigned: it waits, or it isn't sent.
 */
export const confidenceOf = Effect.fnUntraced(function* (
  keys: Keys,
  { envelope }: Delivery
): Effect.fn.Return<Confidence, Failed | GivenUp | Postponed, Consul | Vault> {
  if (envelope.confidential === undefined) return { headers: {} }
  const consul = yield* Consul
  const entry = yield* Effect.mapError(
    consul.get(keys.confidential(envelope.confidential), { consistent: true }),
    ({ message }) => new Postponed({ detail: message })
  )
  if (Option.isNone(entry)) return yield* new GivenUp({ detail: "what it is signed with is in the store no more" })
  const known = confidentialValue.decode(entry.value.value)
  if (Option.isNone(known)) return yield* new GivenUp({ detail: "what it is signed with can't be read" })
  const { webhook_headers: headers = {}, webhook_secret: secret } = known.value
  if (secret === undefined) return { headers }
  return { headers, secret: looksLikeVaultReference(secret) ? yield* fromVault(secret) : secret }
})

const fromVault = Effect.fnUntraced(function* (text: string) {
  const reference = parseVaultReference(text)
  if (Option.isNone(reference)) return yield* new GivenUp({ detail: "webhook_secret is no vault:<path>#<field>" })
  const { field, path } = reference.value
  const vault = yield* Vault
  const fields = yield* Effect.mapError(vault.read(path), (error) =>
    error._tag === "Unavailable" ? new Postponed({ detail: error.message }) : new Failed({ detail: error.message })
  )
  const secret = Object.hasOwn(fields, field) ? fields[field] : undefined
  return secret === undefined || secret === ""
    ? yield* new Failed({ detail: `the secret ${path} in Vault has no field ${field}` })
    : secret
})
