import { knob } from "./Knob.ts"
import { amount, integer } from "./knobParsers.ts"

/** How much of what has ended is kept, and for how long. */
export const retentionKnobs = {
  logArchiveLimit: knob(
    "LOG_ARCHIVE_LIMIT_MB",
    "logs/archive_limit_mb",
    "512",
    amount,
    "MB of all archived logs in KV, compressed; the oldest go first"
  ),
  logRetention: knob(
    "LOG_RETENTION_DAYS",
    "logs/retention_days",
    "7",
    integer(1, 36_500),
    "Days that archived logs are kept"
  ),
  historyRetention: knob(
    "HISTORY_RETENTION_DAYS",
    "history/retention_days",
    "7",
    integer(1, 36_500),
    "Days that ended jobs that came over HTTP are kept"
  ),
  historyMax: knob("HISTORY_MAX", "history/max", "1000", integer(1, 1_000_000), "Most of them that are kept")
} as const
