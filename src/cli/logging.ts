import { HashMap, Inspectable, Layer, Logger, LogLevel } from "effect"
import type { Redactor } from "../redaction/Redactor.ts"
import { alwaysLogged } from "../server/rpc/rawLog.ts"
import type { Settings } from "../store/Settings.ts"

const levels = {
  debug: LogLevel.Debug,
  info: LogLevel.Info,
  warn: LogLevel.Warning,
  error: LogLevel.Error
} as const

/** Logs whose least level can change while the service runs. */
export interface LiveLogging {
  readonly layer: Layer.Layer<never>
  readonly setLevel: (level: Settings["logLevel"]) => void
}

/**
 * `json` is for collectors, `pretty` for a person at a terminal. Both go to stderr: stdout is for results. Each line loses
 * the secrets first, whoever wrote it and whatever failed.
 */
export const liveLogging = (
  format: "json" | "logfmt",
  initial: Settings["logLevel"],
  redactor: Redactor
): LiveLogging => {
  let least: LogLevel.LogLevel = levels[initial]
  const lines = format === "json" ? Logger.jsonLogger : Logger.logfmtLogger
  const logger = Logger.make<unknown, void>((options) => {
    const wanted = LogLevel.greaterThanEqual(options.logLevel, least) || HashMap.has(options.annotations, alwaysLogged)
    if (!wanted) return
    const message = oneMessage(options.message)
    process.stderr.write(`${redactor.text(lines.log({ ...options, message }))}\n`)
  })
  return {
    layer: Layer.mergeAll(
      Logger.replace(Logger.defaultLogger, logger),
      // It keeps each line with the span that it was logged in, and that of a service ends with the process.
      Logger.remove(Logger.tracerLogger),
      Logger.minimumLogLevel(LogLevel.Debug)
    ),
    setLevel: (level) => {
      least = levels[level]
    }
  }
}

/** Several would be as many keys of the same name, of which a reader of logfmt keeps one. */
const oneMessage = (message: unknown): unknown => {
  if (!Array.isArray(message) || message.length < 2) return message
  return message.map((part) => (part instanceof Error ? part.message : Inspectable.toStringUnknown(part, 0))).join(": ")
}
