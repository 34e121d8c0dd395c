import { Effect, Layer } from "effect"
import { Redaction } from "../store/Redaction.ts"
import { LiveLogFilter } from "./LiveLogFilter.ts"

/** Logs that come from Nomad lose their secrets as they do on their way into the archive. */
export const redactedLogs: Layer.Layer<LiveLogFilter, never, Redaction> = Layer.effect(
  LiveLogFilter,
  Effect.map(Redaction, (redaction) => ({
    of: (status) => Effect.map(redaction.of(status), (redactor) => redactor.stream)
  }))
)
