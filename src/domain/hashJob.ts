import { createHash } from "node:crypto"
import { Predicate, Schema } from "effect"
import { type BuildJob, BuildJobFields } from "./BuildJob.ts"

/**
 * SHA-256 of what the record says, in hex: before defaults, so that a new version of the service rebuilds nothing, and
 * over the encoded form with sorted keys, so that no spelling of the same job counts as a change.
 */
export const hashJob = (job: BuildJob): string =>
  createHash("sha256")
    .update(canonicalJson(Schema.encodeSync(BuildJobFields)(job)))
    .digest("hex")

const canonicalJson = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`
  if (!Predicate.isRecord(value)) return JSON.stringify(value)
  const members = Object.keys(value)
    .toSorted()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key])}`)
  return `{${members.join(",")}}`
}
