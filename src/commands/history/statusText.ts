import { formatGoDuration } from "../../domain/GoDuration.ts"
import type { BuildRecord } from "./BuildRecord.ts"
import { fenced, oneLine, utcText, withSymbol } from "./markdown.ts"
import type { PhaseRecord } from "./phaseRecords.ts"

/** `status.md`: what people read of a build. */
export const statusText = (record: BuildRecord): string => {
  const lines = [
    `# Build Status: ${record.jobId}`,
    "",
    withSymbol(record.status, "Status: "),
    `**Branch**: ${oneLine(record.branch)}`,
    `**Git Ref**: ${oneLine(record.gitRef)}`,
    `**Started**: ${utcText(record.startedAt ?? record.submittedAt)}`,
    `**Completed**: ${record.completedAt === undefined ? "-" : utcText(record.completedAt)}`,
    `**Duration**: ${formatGoDuration(record.duration)}`,
    "",
    "## Phases",
    ...record.phases.map(phaseLine),
    "",
    "## Image",
    `- Registry: ${record.registry}`,
    `- Image: ${record.image}`,
    `- Tags: ${record.tags.join(", ")}`,
    ...(record.error === undefined ? [] : ["", "## Error", fenced(record.error)])
  ]
  return `${lines.join("\n")}\n`
}

const titles = { build: "Build", test: "Test", publish: "Publish" } as const

const results = { SUCCEEDED: "✅ SUCCESS", FAILED: "❌ FAILED", RUNNING: "⏳ RUNNING" } as const

const phaseLine = ({ duration, phase, status }: PhaseRecord): string =>
  `- ${titles[phase]}: ${results[status]} (${formatGoDuration(duration)})`
