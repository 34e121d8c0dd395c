import { Data, Effect, Option } from "effect"
import { Consul } from "../consul/Consul.ts"
import type { Status } from "../domain/Status.ts"
import type { ApiError } from "../http/ApiError.ts"
import type { Keys } from "./keys.ts"
import { statusValue } from "./statusValue.ts"

/** What the store says of the record that a Nomad job was registered for. */
export type Owner = Data.TaggedEnum<{
  Known: { readonly status: Status }
  /** The record has no status that could be read: a pass is about to make one, and may take the job for its own. */
  Undecided: {}
  /** Neither record nor status. */
  Gone: {}
}>
export const Owner = Data.taggedEnum<Owner>()

/**
 * Reads past every cache and deposed leader: whoever is to be judged was looked at before, and was announced in the
 * store before it existed, so what this doesn't show was never there or is there no more.
 */
export const ownerOf = Effect.fn("ownerOf")(function* (
  keys: Keys,
  name: string
): Effect.fn.Return<Owner, ApiError, Consul> {
  const consul = yield* Consul
  const status = yield* consul.get(keys.status(name), { consistent: true })
  if (Option.isSome(status)) {
    return Option.match(statusValue.decode(status.value.value), {
      onNone: () => Owner.Undecided(),
      onSome: (found) => Owner.Known({ status: found })
    })
  }
  const records = yield* Effect.forEach(endings, (ending) =>
    consul.get(`${keys.jobs}${name}${ending}`, { consistent: true })
  )
  return records.some(Option.isSome) ? Owner.Undecided() : Owner.Gone()
})

/** The keys that spell one name. */
const endings = ["", ".json", ".yaml", ".yml"]
