import { Effect, Option, Struct } from "effect"
import { isTerminal, type Status } from "../domain/Status.ts"

/** Tells operators of what a written status has brought: a run that moved on, and how one ended. Once for each. */
export const logProgress = (before: Option.Option<Status>, after: Status): Effect.Effect<void> => {
  const same = Option.filter(before, ({ job_id: jobId }) => jobId === after.job_id)
  const from = Option.match(same, { onNone: () => "", onSome: ({ status }) => status })
  if (from === after.status) return Effect.void
  const { config, job_id, name: record, status } = after
  const fields = {
    record,
    ...(job_id === undefined ? {} : { jobId: job_id }),
    ...(config === undefined ? {} : { owner: config.owner }),
    status
  }
  return isTerminal(status)
    ? Effect.annotateLogs(Effect.logInfo("Job ended"), { ...fields, ...endOf(after) })
    : Effect.annotateLogs(Effect.logInfo("Job moved on"), { ...fields, ...(from === "" ? {} : { from }) })
}

const endOf = (status: Status) => {
  const { job_end: end = 0, job_start: start = end } = status.times
  return {
    ...Struct.pick(status, "failed_phase", "reason", "error", "digest"),
    seconds: (end - start) / 1000
  }
}
