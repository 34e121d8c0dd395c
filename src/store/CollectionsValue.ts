import { Schema } from "effect"
import { storedJson } from "./storedJson.ts"

/** What one sweep has done for those who asked for it. */
export const Collection = Schema.Struct({
  /** Ids of the requests that it answers. */
  requests: Schema.Array(Schema.String),
  /** Runs of which something was ended, or is being removed, each once. */
  jobs: Schema.Array(Schema.String),
  /** Nomad jobs that were told to stop, and those that were registered to remove an image. */
  stopped: Schema.Int,
  cleaning: Schema.Int,
  /** What could not be looked at, and is left to the next sweep. */
  failed: Schema.Int,
  /** Milliseconds since the epoch. */
  at: Schema.Number
})
export type Collection = typeof Collection.Type

/** What a sweep is about to do: whoever leads next can tell what came of it. */
export const CollectionPlan = Schema.Struct({
  requests: Schema.Array(Schema.String),
  /** Ids of Nomad jobs. */
  stop: Schema.Array(Schema.String),
  clean: Schema.Array(Schema.String)
})
export type CollectionPlan = typeof CollectionPlan.Type

/** The value of the collections' key, which the leader alone writes. */
export const CollectionsValue = Schema.Struct({
  plan: Schema.optional(CollectionPlan),
  /** Oldest first. */
  answers: Schema.Array(Collection)
})
export type CollectionsValue = typeof CollectionsValue.Type

export const collectionsValue = storedJson(CollectionsValue)

/** Ids that the plan names, and each answer: some 110 KiB. A sweep does more all the same, and counts it. */
export const namedAtMost = 2000

/** As long as nobody waits for an answer any more, in milliseconds. */
const keptFor = 60_000

/** Ids in all answers together, so that the value stays far below Consul's 512 KiB. */
const keptIds = 4000

/** The answers with a new one: without those that are old, and without the oldest where they are too many. */
export const withAnswers = (
  answers: ReadonlyArray<Collection>,
  fresh: ReadonlyArray<Collection>,
  now: number
): ReadonlyArray<Collection> => {
  const all = [...answers.filter(({ at }) => now - at < keptFor), ...fresh]
  const weights = all.map(({ jobs, requests }) => jobs.length + requests.length)
  return all.filter((_, index) => weights.slice(index).reduce((sum, weight) => sum + weight, 0) <= keptIds)
}
