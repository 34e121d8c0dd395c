import { Either, Predicate } from "effect"
import { dump } from "js-yaml"
import { parseRecordText } from "../../domain/parseRecordText.ts"
import { looksLikeVaultReference } from "../../domain/vaultReference.ts"
import { makeRedactor } from "../../redaction/Redactor.ts"

/**
 * Two states of a record without what they say in confidence: a webhook's secret and the values of its headers. That one
 * of them changes can still be seen.
 */
export const maskSecrets = (
  before: string | undefined,
  after: string | undefined
): { readonly before: string; readonly after: string } => {
  const old = secretsOf(before)
  const fresh = secretsOf(after)
  const mark = (secret: string): string => {
    if (old.has(secret)) return fresh.has(secret) ? "(secret)" : "(secret before)"
    return "(secret after)"
  }
  return { before: masked(before, old, mark), after: masked(after, fresh, mark) }
}

const masked = (text: string | undefined, secrets: ReadonlySet<string>, mark: (secret: string) => string): string => {
  if (text === undefined) return ""
  const parsed = parseRecordText(text)
  // Nobody can tell where a secret begins in what can't be read.
  if (Either.isLeft(parsed)) return `(${Buffer.byteLength(text)} bytes that can't be read as JSON or YAML)\n`
  // Takes out what looks like a credential wherever it is, too: in a comment, for instance.
  const redactor = makeRedactor(secrets)
  const replaced = redactor.text(inText(text, secrets, mark))
  const left = secretsOf(replaced)
  if (![...secrets].some((secret) => left.has(secret))) return replaced
  // Short, or folded over lines: as its author wrote it, it can't be taken out.
  const hidden = mapConfidential(parsed.right, (value) => (isSecret(value) ? mark(String(value)) : value))
  return redactor.text(dump(hidden, { lineWidth: -1 }))
}

const inText = (text: string, secrets: ReadonlySet<string>, mark: (secret: string) => string): string =>
  longOnes(secrets).reduce(
    (left, secret) => quoted(secret).reduce((rest, spelling) => rest.replaceAll(spelling, mark(secret)), left),
    text
  )

/** As it is, and as it stands in JSON and in YAML's single quotes. */
const quoted = (secret: string): ReadonlyArray<string> => [
  secret,
  JSON.stringify(secret).slice(1, -1),
  secret.replaceAll("'", "''")
]

/** Shorter ones would be found within other words. */
const longOnes = (secrets: ReadonlySet<string>): ReadonlyArray<string> =>
  [...secrets].filter((secret) => secret.length >= 8).toSorted((a, b) => b.length - a.length)

const secretsOf = (text: string | undefined): ReadonlySet<string> => {
  const found = new Set<string>()
  const note = (value: unknown): unknown => {
    if (isSecret(value)) found.add(String(value))
    return value
  }
  if (text !== undefined) mapConfidential(Either.getOrUndefined(parseRecordText(text)), note)
  return found
}

const isSecret = (value: unknown): boolean =>
  (typeof value === "string" && value !== "" && !looksLikeVaultReference(value)) || typeof value === "number"

const confidential: ReadonlySet<string> = new Set(["webhook_secret", "webhook_headers"])

/** Where a record may have its members beside the top: `job_config` and its other spelling. */
const wrappers: ReadonlySet<string> = new Set(["job_config", "jobConfig"])

const mapConfidential = (record: unknown, change: (value: unknown) => unknown): unknown => {
  if (!Predicate.isReadonlyRecord(record)) return record
  const members = Object.entries(record).map(([key, value]): readonly [string, unknown] => {
    if (confidential.has(key)) return [key, mapLeaves(value, change)]
    return [key, wrappers.has(key) ? mapConfidential(value, change) : value]
  })
  return Object.fromEntries(members)
}

const mapLeaves = (value: unknown, change: (value: unknown) => unknown): unknown => {
  if (Array.isArray(value)) return value.map((item: unknown) => mapLeaves(item, change))
  if (!Predicate.isReadonlyRecord(value)) return change(value)
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapLeaves(item, change)]))
}
