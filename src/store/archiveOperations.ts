import { Option, Schema } from "effect"
import { TxnOp } from "../consul/Transaction.ts"
import { BuildJob } from "../domain/BuildJob.ts"
import type { Status } from "../domain/Status.ts"
import type { ArchivedJob } from "./ArchivedJob.ts"
import { archivedRef, type ArchivedRef } from "./ArchivedRef.ts"
import type { Keys } from "./keys.ts"
import { statusValue } from "./statusValue.ts"

/** A key as it was seen: none, if it must not exist. */
export interface Seen {
  readonly key: string
  readonly modifyIndex: Option.Option<number>
}

/** The job that has the name in the archive already, since a client used it once more. */
export interface Earlier {
  readonly modifyIndex: number
  readonly status: Option.Option<Status>
}

/** Writes the archived job, findable by id and by time, and deletes what it was made from. */
export const archiving = (
  keys: Keys,
  value: Uint8Array,
  from: { readonly status: Status; readonly statusIndex: number; readonly record: Seen },
  earlier: Option.Option<Earlier>
): ReadonlyArray<TxnOp> => {
  const { record, status, statusIndex } = from
  const present = entriesOf(keys, archivedRef(keys.archiveTimes, status))
  const past = Option.match(
    Option.flatMap(earlier, (old) => old.status),
    {
      onNone: () => [],
      onSome: (old) => entriesOf(keys, archivedRef(keys.archiveTimes, old))
    }
  )
  return [
    ...removal(record),
    ...removal({ key: keys.status(status.name), modifyIndex: Option.some(statusIndex) }),
    ...past.filter((key) => !present.includes(key)).map((key) => TxnOp.Delete({ key })),
    ...present.map((key) => TxnOp.Set({ key, value: status.name })),
    TxnOp.Cas({
      key: keys.archived(status.name),
      value,
      index: Option.match(earlier, { onNone: () => 0, onSome: ({ modifyIndex }) => modifyIndex })
    })
  ]
}

/** Writes a job that never was in this store, unless it is in the archive already, and deletes what it was made from. */
export const adopting = (
  keys: Keys,
  job: Option.Option<{ readonly status: Status; readonly value: Uint8Array }>,
  source: Seen
): ReadonlyArray<TxnOp> => [
  ...removal(source),
  ...Option.match(job, {
    onNone: () => [],
    onSome: ({ status, value }) => [
      TxnOp.CheckNotExists({ key: keys.status(status.name) }),
      ...entriesOf(keys, archivedRef(keys.archiveTimes, status)).map((key) => TxnOp.Set({ key, value: status.name })),
      TxnOp.Cas({ key: keys.archived(status.name), value, index: 0 })
    ]
  })
]

/** The other way round. */
export const restoring = (keys: Keys, { name, record, status }: ArchivedJob, modifyIndex: number) => {
  const text = record?.text ?? (status.config === undefined ? undefined : encodeJob(status.config))
  return [
    record === undefined || text === undefined
      ? TxnOp.CheckNotExists({ key: `${keys.jobs}${name}` })
      : TxnOp.Cas({ key: record.key, value: text, index: 0 }),
    TxnOp.Cas({ key: keys.status(name), value: statusValue.encode(status), index: 0 }),
    ...removal({ key: keys.archived(name), modifyIndex: Option.some(modifyIndex) }),
    ...entriesOf(keys, archivedRef(keys.archiveTimes, status)).map((key) => TxnOp.Delete({ key }))
  ]
}

/** Deletes an archived job, unless its name was archived anew since: then the value isn't this one's any more. */
export const forgetting = (keys: Keys, ref: ArchivedRef): ReadonlyArray<TxnOp> => [
  // Rolls back when it is missing.
  TxnOp.Get({ key: ref.key }),
  TxnOp.Delete({ key: keys.archived(ref.name) }),
  TxnOp.Delete({ key: keys.confidential(ref.name) }),
  ...entriesOf(keys, ref).map((key) => TxnOp.Delete({ key }))
]

/** Jobs that one transaction forgets: five operations each, of 64, beside the fence. */
export const forgottenAtOnce = 12

/** The small keys beside an archived job's own. */
const entriesOf = (keys: Keys, { jobId, key, name }: ArchivedRef): ReadonlyArray<string> => [
  key,
  ...(jobId === "" || jobId === name ? [] : [keys.archivedId(jobId)])
]

/** Deletes a key as it was seen. The check is for a key that is gone: deleting that would succeed. */
const removal = ({ key, modifyIndex }: Seen): ReadonlyArray<TxnOp> =>
  Option.match(modifyIndex, {
    onNone: () => [TxnOp.CheckNotExists({ key })],
    onSome: (index) => [TxnOp.CheckIndex({ key, index }), TxnOp.DeleteCas({ key, index })]
  })

const encodeJob = Schema.encodeSync(Schema.parseJson(BuildJob))
