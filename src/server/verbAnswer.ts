import type { Status } from "../domain/Status.ts"

/** What is asked of a job that is over. */
export type LateVerb = "retry" | "purge" | "cleanup"

/**
 * The leader's newest answer to the verb, `undefined` without one: an answer that wasn't there before is the one to a
 * request made since. Whatever else becomes of an ended job, its cleanup most of all, answers nothing. A retry that is
 * taken up is answered by the new run's id alone, which comes with a later status than `RetryRequested` does.
 */
export const verbAnswer = ({ events, job_id: jobId }: Status, verb: LateVerb): Status["events"][number] | undefined =>
  events.findLast(
    ({ message, reason }) =>
      reason === answers[verb] || (reason === "RequestIgnored" && message.startsWith(`${verb} of job ${jobId}:`))
  )

const answers = { retry: undefined, purge: "PurgeRequested", cleanup: "CleanupRequested" } as const
