import type { FileSystem } from "@effect/platform"
import { Effect } from "effect"
import { makeRedactor } from "../redaction/Redactor.ts"
import { readSettings, type Texts } from "../store/Settings.ts"
import { type LiveLogging, liveLogging } from "./logging.ts"
import { secretsIn, secretsInFiles } from "./ownSecrets.ts"

/** The service's logs, and what it was given in confidence itself, which none of their lines has. */
export const ownLogging = (
  format: "json" | "pretty",
  environment: Texts
): Effect.Effect<LiveLogging & { readonly secrets: ReadonlyArray<string> }, never, FileSystem.FileSystem> =>
  Effect.map(secretsInFiles(environment), (inFiles) => {
    const secrets = [...secretsIn(environment), ...inFiles]
    const { logLevel } = readSettings(environment, {}).settings
    return { ...liveLogging(format, logLevel, makeRedactor(secrets)), secrets }
  })
