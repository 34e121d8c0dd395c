import { Effect, Option } from "effect"
import { Consul } from "../consul/Consul.ts"
import { type ApiError, Unavailable } from "../http/ApiError.ts"
import type { Keys } from "./keys.ts"

/**
 * The id that tells this installation's Nomad jobs from another's. It is made once and then kept in the store, since
 * the names of all children follow from it.
 */
export const installationId = Effect.fn("installationId")(function* (
  keys: Keys,
  fresh: string
): Effect.fn.Return<string, ApiError, Consul> {
  const consul = yield* Consul
  const known = yield* consul.get(keys.installation, { consistent: true })
  if (Option.isSome(known)) return new TextDecoder().decode(known.value.value)
  if (yield* consul.putCas(keys.installation, fresh, 0)) return fresh
  const other = yield* consul.get(keys.installation, { consistent: true })
  if (Option.isSome(other)) return new TextDecoder().decode(other.value.value)
  return yield* new Unavailable({ system: "consul", operation: "installation id", detail: "it came and went" })
})
