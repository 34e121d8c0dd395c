import { Schema } from "effect"

/** Who leads, as the value of the key `leader` says it. */
export const Holder = Schema.Struct({
  /** Where its HTTP interface is, `host:port`. */
  address: Schema.String,
  /** Differs for each start of a process. */
  id: Schema.String,
  /** When it took office, ISO 8601. */
  since: Schema.String
})
export type Holder = typeof Holder.Type

const HolderJson = Schema.parseJson(Holder)

export const encodeHolder = Schema.encodeSync(HolderJson)

/** None also for what an operator wrote over it: locks are advisory. */
export const decodeHolder = Schema.decodeUnknownOption(HolderJson)
