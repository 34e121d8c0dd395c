import { dump } from "js-yaml"
import { formatGoDuration } from "../../domain/GoDuration.ts"
import type { BuildRecord } from "./BuildRecord.ts"
import type { PhaseRecord } from "./phaseRecords.ts"

/** `metadata.yaml`: what programs read of a build. The order of the keys is fixed. */
export const metadataText = (record: BuildRecord): string =>
  dump(
    {
      job_id: record.jobId,
      submitted_at: record.submittedAt,
      ...given("started_at", record.startedAt),
      ...given("completed_at", record.completedAt),
      status: record.status,
      branch: record.branch,
      git_ref: record.gitRef,
      ...given("purpose", record.purpose),
      ...given("error", record.error),
      ...given("failed_phase", record.failedPhase),
      job_config: record.config,
      ...(record.phases.length === 0 ? {} : { phases: Object.fromEntries(record.phases.map(phaseEntry)) })
    },
    { indent: 4, lineWidth: -1, noRefs: true }
  )

const phaseEntry = ({ completedAt, duration, phase, startedAt, status }: PhaseRecord) => [
  phase,
  {
    status,
    ...given("started_at", startedAt),
    ...given("completed_at", completedAt),
    duration: formatGoDuration(duration)
  }
]

const given = <A>(key: string, value: A | undefined): Readonly<Record<string, A>> =>
  value === undefined ? {} : { [key]: value }
