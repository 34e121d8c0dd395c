import { Effect, Option } from "effect"
import { atRest } from "../domain/advance.ts"
import { isUuid } from "../domain/childIds.ts"
import type { Policy } from "../domain/Policy.ts"
import type { ApiError } from "../http/ApiError.ts"
import type { Lease } from "../leader/LeaderLock.ts"
import { JobArchive } from "../store/JobArchive.ts"
import type { Keys } from "../store/keys.ts"
import type { StoredRecord } from "../store/RecordTable.ts"
import type { StatusRead, WriteConflict } from "../store/Statuses.ts"

/** How a pass left a record. */
export interface PassEnd {
  readonly name: string
  /** The record that the pass judged. */
  readonly record: Option.Option<StoredRecord>
  /** The status as it lies in the store after the pass. */
  readonly read: StatusRead
  readonly policy: Policy
}

/**
 * Moves a job that came over HTTP out of the watched prefixes, once nothing of it is under way any more. Records that an
 * operator or a Git repository keeps stay where they are, and so does a name that such a record contests.
 *
 * Call it after a pass whose acts are done: the status then says how the very record ended that the pass judged. Answers
 * whether the job was moved; after an error it may have been, so what is remembered of its status is worth nothing.
 */
export const archiveFinished = Effect.fnUntraced(function* (
  { keys, lease }: { readonly keys: Keys; readonly lease: Lease },
  { name, policy, read, record }: PassEnd
): Effect.fn.Return<boolean, ApiError | WriteConflict, JobArchive> {
  if (!isUuid(name) || Option.isNone(read.status) || !atRest(read.status.value, policy)) return false
  const key = `${keys.jobs}${name}`
  if (Option.exists(record, (found) => found.key !== key)) return false
  const archive = yield* JobArchive
  const modifyIndex = Option.map(record, (found) => found.modifyIndex)
  const { fence } = lease
  yield* archive.put({
    status: read.status.value,
    statusIndex: read.modifyIndex,
    record: { key, modifyIndex },
    fence
  })
  yield* Effect.logInfo("job archived").pipe(Effect.annotateLogs({ record: name }))
  return true
})
