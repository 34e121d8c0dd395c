import { Effect, Predicate, Schema } from "effect"
import { jobHcl } from "../jobspec/jobHcl.ts"
import type { NomadJob } from "../jobspec/NomadJob.ts"
import type { Redactor } from "../redaction/Redactor.ts"
import type { Settings } from "../store/Settings.ts"

/**
 * Shows an operator the Nomad job that is about to be registered: whole, in one field, and without secrets. In Base64 they
 * could not be found any more, so they are taken out before.
 */
export const logJobSpec = (
  format: Exclude<Settings["observation"]["jobSpecs"], "none">,
  job: NomadJob,
  redactor: Redactor
): Effect.Effect<void> =>
  Effect.gen(function* () {
    const field = `job_spec_${format}_b64`
    const text = format === "hcl" ? jobHcl(job, redactor.text) : jobJson(job, redactor.text)
    yield* Effect.annotateLogs(Effect.logDebug("Nomad job spec"), {
      nomadJob: job.ID,
      [field]: Buffer.from(text).toString("base64")
    })
    const reader = format === "hcl" ? "" : " | jq ."
    yield* Effect.annotateLogs(Effect.logInfo("Nomad job spec is logged at LOG_LEVEL=debug"), {
      nomadJob: job.ID,
      decode: `echo <${field}> | base64 -d${reader}`
    })
  })

const jobJson = (job: NomadJob, shown: (text: string) => string): string => encode(withShown({ Job: job }, shown))

/** Each text by itself: what is taken out of JSON as a whole could begin within an escape. */
const withShown = (value: unknown, shown: (text: string) => string): unknown => {
  if (Predicate.isString(value)) return shown(value)
  if (Array.isArray(value)) return value.map((item) => withShown(item, shown))
  if (!Predicate.isRecord(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, withShown(member, shown)]))
}

const encode = Schema.encodeSync(Schema.parseJson(Schema.Unknown))
