import type { BuildJob } from "./BuildJob.ts"
import { buildId, cleanupId, jobIdOf, publishId, testId } from "./childIds.ts"
import type { DesiredRecord } from "./decodeRecord.ts"
import { finalImage, finalTags, registryHost, temporaryImage } from "./ImageReference.ts"
import type { Policy } from "./Policy.ts"
import { shortened } from "./shortened.ts"
import { type ResolvedJob, resolveJob, testCases } from "./resolve.ts"
import type { Attempt, Phase, Reason, Status, StatusEvent, TestRef } from "./Status.ts"

/** The first status of a new generation: nothing of it is intended yet. */
export const beginRun = (
  policy: Policy,
  name: string,
  generation: number,
  desired: DesiredRecord,
  events: ReadonlyArray<StatusEvent>,
  now: number
): Status => {
  const jobId = jobIdOf(policy.installation, name, generation)
  const job = resolveJob(desired.job, policy.defaults)
  return {
    ...blank(name, generation, now),
    hash: desired.hash,
    job_id: jobId,
    config: withoutSecrets(desired.job),
    images: finalTags(jobId, job).map((tag) => finalImage(job, tag)),
    ...(testCases(job).length === 0
      ? {}
      : { temporary_image: temporaryImage(registryOf(policy, desired.job), policy.temporaryPrefix, jobId) }),
    on_conflict: desired.onConflict,
    deadline_at: now + policy.jobTimeout,
    events: addEvent(events, now, "Accepted", `generation ${generation} is job ${jobId}`)
  }
}

/** Whoever may read a status need not be whom a record's webhook secrets are for. */
const withoutSecrets = ({ webhook_headers: _headers, webhook_secret: _secret, ...job }: BuildJob): BuildJob => job

/** A status that says why there is no run for the record as it stands. */
export const refuseRun = (
  name: string,
  generation: number,
  hash: string,
  reason: Reason,
  error: string,
  events: ReadonlyArray<StatusEvent>,
  now: number
): Status => ({
  ...blank(name, generation, now),
  hash,
  status: "FAILED",
  reason,
  error,
  times: { job_start: now, job_end: now },
  events: addEvent(events, now, reason, error)
})

const blank = (name: string, generation: number, now: number): Status => ({
  name,
  generation,
  hash: "",
  status: "PENDING",
  images: [],
  times: { job_start: now },
  slots: [],
  attempts: [],
  conditions: [],
  events: [],
  updated_at: now
})

/** Where temporary images go when the operator names no registry: to the host that the job itself publishes to. */
const registryOf = (policy: Policy, job: BuildJob): string =>
  policy.registryBase === "" ? registryHost(job.registry_url) : policy.registryBase

export const buildAttempt = (jobId: string, attempt: number, now: number): Attempt =>
  intend("build", buildId(jobId, attempt), attempt, now)

export const publishAttempt = (jobId: string, attempt: number, now: number): Attempt =>
  intend("publish", publishId(jobId, attempt), attempt, now)

export const cleanupAttempt = (jobId: string, attempt: number, now: number): Attempt =>
  intend("cleanup", cleanupId(jobId, attempt), attempt, now)

/** All tests of a job, side by side. */
export const testAttempts = (jobId: string, job: ResolvedJob, now: number): ReadonlyArray<Attempt> =>
  testCases(job).map((test) =>
    testAttempt(jobId, test.kind === "command" ? { kind: test.kind, index: test.index } : test, 1, now)
  )

/** The next try of the same step. */
export const nextAttempt = (jobId: string, previous: Attempt, now: number): Attempt => {
  const attempt = previous.attempt + 1
  if (previous.test !== undefined) return testAttempt(jobId, previous.test, attempt, now)
  switch (previous.phase) {
    case "publish":
      return publishAttempt(jobId, attempt, now)
    case "cleanup":
      return cleanupAttempt(jobId, attempt, now)
    case "build":
    case "test":
      return buildAttempt(jobId, attempt, now)
  }
}

const testAttempt = (jobId: string, test: TestRef, attempt: number, now: number): Attempt => ({
  ...intend("test", testId(jobId, test, attempt), attempt, now),
  test
})

const intend = (phase: Phase, nomadJobId: string, attempt: number, now: number): Attempt => ({
  nomad_job_id: nomadJobId,
  phase,
  attempt,
  intended_at: now,
  seen: false
})

const eventsKept = 50

/** Appends to the bounded list of what happened; the oldest go first. */
export const addEvent = (
  events: ReadonlyArray<StatusEvent>,
  at: number,
  reason: string,
  message: string
): ReadonlyArray<StatusEvent> => [...events, { at, reason, message: shortened(message) }].slice(-eventsKept)
