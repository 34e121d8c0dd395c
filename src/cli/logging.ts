import { HashMap, Layer, Logger, LogLevel } from "effect"
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

/** `json` is for collectors, `pretty` for a person at a terminal. Both go to stderr: stdout is for results. */
export const liveLogging = (format: "json" | "pretty", initial: Settings["logLevel"]): LiveLogging => {
  let least: LogLevel.LogLevel = levels[initial]
  const lines = format === "json" ? Logger.jsonLogger : Logger.logfmtLogger
  const logger = Logger.make<unknown, void>((options) => {
    const wanted = LogLevel.greaterThanEqual(options.logLevel, least) || HashMap.has(options.annotations, alwaysLogged)
    if (wanted) process.stderr.write(`${lines.log(options)}\n`)
  })
  return {
    layer: Layer.merge(Logger.replace(Logger.defaultLogger, logger), Logger.minimumLogLevel(LogLevel.Debug)),
    setLevel: (level) => {
      least = levels[level]
    }
  }
}
