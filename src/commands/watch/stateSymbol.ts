import type { JobStatus } from "../../domain/Status.ts"

export const stateSymbol = (status: JobStatus): string => symbols[status]

const symbols: Readonly<Record<JobStatus, string>> = {
  PENDING: "⏳",
  BUILDING: "🔨",
  TESTING: "🧪",
  PUBLISHING: "📦",
  SUCCEEDED: "✅",
  FAILED: "❌"
}
