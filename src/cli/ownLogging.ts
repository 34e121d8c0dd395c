import type { FileSystem } from "@effect/platform"
import { Effect } from "effect"
import { makeRedactor } from "../redaction/Redactor.ts"
import { readSettings, type Texts } from "../store/Settings.ts"
import { type LiveLogging, liveLogging } from "./logging.ts"
import { secretsIn, secretsInFiles } from "./ownSecrets.ts"

/** The service's logs, in its own format unless the environment names one, and what it was given in confidence itself, which none of their lines has. */
export const ownLogging = (
  format: "json" | "logfmt",
  environment: Texts
): Effect.Effect<LiveLogging & { readonly secrets: ReadonlyArray<string> }, never, FileSystem.FileSystem> =>
  Effect.map(secretsInFiles(environment), (inFiles) => {
    const secrets = [...secretsIn(environment), ...inFiles]
    const { logFormat, logLevel } = readSettings(environment, {}).settings
    return { ...liveLogging(logFormat === "" ? format : logFormat, logLevel, makeRedactor(secrets)), secrets }
  })
