import { Option } from "effect"
import type { Status } from "../domain/Status.ts"

/** An archived job by its key below `archive/times/`: enough to order, page and expire without reading a value. */
export interface ArchivedRef {
  readonly key: string
  readonly name: string
  /** The record's name, for most. Empty: the job never had a run. */
  readonly jobId: string
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  readonly endedAt: number
}

/** Sorts by the job's beginning. */
export const archivedRef = (prefix: string, status: Status): ArchivedRef => {
  const { name, times, updated_at: updated } = status
  const startedAt = times.job_start ?? updated
  const endedAt = times.job_end ?? updated
  const jobId = status.job_id ?? ""
  const path = [new Date(startedAt).toISOString(), new Date(endedAt).toISOString(), name, jobId || none]
  return { key: `${prefix}${path.join("/")}`, name, jobId, startedAt, endedAt }
}

export const parseArchivedRef = (prefix: string, key: string): Option.Option<ArchivedRef> => {
  const [started, ended, name, jobId, ...rest] = key.slice(prefix.length).split("/")
  if (started === undefined || ended === undefined || name === undefined || jobId === undefined || rest.length > 0) {
    return Option.none()
  }
  const ref = {
    key,
    name,
    jobId: jobId === none ? "" : jobId,
    startedAt: Date.parse(started),
    endedAt: Date.parse(ended)
  }
  return Number.isNaN(ref.startedAt) || Number.isNaN(ref.endedAt) ? Option.none() : Option.some(ref)
}

const none = "-"

/** Too old, or beyond the number that is kept. Takes them newest first. */
export const refsToDelete = (
  refs: ReadonlyArray<ArchivedRef>,
  limits: { readonly historyAge: number; readonly historyMax: number },
  now: number
): ReadonlyArray<ArchivedRef> => {
  let kept = 0
  return refs.filter(({ endedAt }) => {
    if (now - endedAt > limits.historyAge || kept >= limits.historyMax) return true
    kept += 1
    return false
  })
}
