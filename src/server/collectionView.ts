import { Duration, Option } from "effect"
import type { Cleaned } from "../api/Answers.ts"
import type { Collection } from "../store/CollectionsValue.ts"

/** How long a request for a sweep waits for the leader: a sweep takes seconds, and clients give up after 30. */
export const collectionPatience = Duration.seconds(20)

/** What came of a request for a sweep; none: no leader has answered it so far. */
export const collectionView = (collection: Option.Option<Collection>): Cleaned =>
  Option.match(collection, {
    onNone: () => ({
      success: true,
      cleaned_jobs: [],
      message:
        "Cleanup requested: no leader has answered in time; the request is kept, and whoever leads carries it out"
    }),
    onSome: ({ cleaning, failed, jobs, stopped }) => ({
      success: true,
      cleaned_jobs: jobs,
      message: [
        stopped + cleaning === 0
          ? "Cleanup completed: nothing was left over"
          : `Cleanup completed: Nomad jobs stopped: ${stopped}; jobs begun that remove temporary images: ${cleaning}`,
        ...(failed === 0 ? [] : [`not reached, and tried again by the leader: ${failed}`])
      ].join("; ")
    })
  })
