import type { Cleaned, Done, History, JobLog, Submitted } from "../api/Answers.ts"
import type { JobState } from "../api/JobState.ts"
import { durationOfNanos, formatGoDuration } from "../domain/GoDuration.ts"
import type { Looks } from "./print.ts"

export const ofSubmitted: Looks<Submitted> = {
  header: ["JOB", "STATUS"],
  rows: ({ job_id, status }) => [[job_id, status]],
  names: ({ job_id }) => [job_id]
}

export const ofDone: Looks<Done> = {
  header: ["JOB", "SUCCESS", "MESSAGE"],
  rows: ({ job_id, message, success }) => [[job_id, String(success), message]],
  names: ({ job_id }) => [job_id]
}

export const ofCleaned: Looks<Cleaned> = {
  header: ["SUCCESS", "JOBS", "MESSAGE"],
  rows: ({ cleaned_jobs, message, success }) => [[String(success), cleaned_jobs.join(","), message]],
  names: ({ cleaned_jobs }) => cleaned_jobs
}

export const ofHistory: Looks<History> = {
  header: ["JOB", "STATUS", "PHASE", "OWNER", "IMAGE", "CREATED", "DURATION", "ERROR"],
  rows: ({ jobs }) =>
    jobs.map((job) => [
      job.name,
      job.status,
      job.phase ?? job.failed_phase ?? "",
      job.config?.owner ?? "",
      job.config?.image_name ?? "",
      job.created_at,
      durationText(job.duration),
      shortened(job.error ?? "")
    ]),
  names: ({ jobs }) => jobs.map(({ name }) => name)
}

export const ofJobState: Looks<JobState> = {
  header: ["JOB", "STATUS", "PHASE", "OWNER", "IMAGE", "CREATED", "DURATION", "ERROR"],
  rows: (job) => [
    [
      job.name,
      job.status,
      job.phase ?? job.failed_phase ?? "",
      job.config?.owner ?? "",
      job.image ?? job.images[0] ?? "",
      job.created_at,
      durationText(job.metrics.total_duration),
      shortened(job.error ?? "")
    ]
  ],
  names: ({ name }) => [name]
}

export const ofJobLog: Looks<JobLog> = {
  header: ["PHASE", "LINE"],
  rows: ({ logs }) =>
    (["build", "test", "publish"] as const).flatMap((phase) => logs[phase].map((line) => [phase, line])),
  names: ({ job_id }) => [job_id]
}

/** A table's line stays a line. */
const shortened = (text: string): string => (text.length <= 80 ? text : `${text.slice(0, 79)}…`)

const durationText = (nanos: number): string => formatGoDuration(durationOfNanos(BigInt(nanos)))
