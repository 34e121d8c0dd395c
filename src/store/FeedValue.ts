import { Option, Schema } from "effect"
import { storedJson } from "./storedJson.ts"

/** One changed status, as the feed names it. */
export const FeedEntry = Schema.Struct({
  /** Counts all changes of an epoch from 1. */
  seq: Schema.Int,
  name: Schema.String,
  /** Of the status's run; missing where there is none. */
  job_id: Schema.optional(Schema.String)
})
export type FeedEntry = typeof FeedEntry.Type

/**
 * The value of the feed's key. An epoch is one term of office: what changed between two of them nobody has noted, so
 * whoever sees a new one looks at everything anew.
 */
export const FeedValue = Schema.Struct({ epoch: Schema.String, entries: Schema.Array(FeedEntry) })
export type FeedValue = typeof FeedValue.Type

export const { decode: decodeFeed } = storedJson(FeedValue)

/** What it is in memory, it is in the store: hundreds of entries are not walked for each that is new. */
export const encodeFeed: (value: FeedValue) => string = Schema.encodeSync(Schema.parseJson(Schema.Unknown))

/** Entries that the value keeps: a reader that misses more of them at once looks at everything anew. */
export const feedLength = 256

/** What a reader has to look at after it has seen `seen`: these entries, or everything. */
export const newsSince = (
  seen: Option.Option<FeedValue>,
  now: FeedValue
): { readonly kind: "everything" } | { readonly kind: "entries"; readonly entries: ReadonlyArray<FeedEntry> } => {
  if (Option.isNone(seen) || seen.value.epoch !== now.epoch) return { kind: "everything" }
  const last = seen.value.entries.at(-1)?.seq ?? 0
  const first = now.entries[0]?.seq ?? 1
  return first > last + 1
    ? { kind: "everything" }
    : { kind: "entries", entries: now.entries.filter(({ seq }) => seq > last) }
}
