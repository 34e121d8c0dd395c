import { Predicate } from "effect"
import type { JobInput } from "../../api/Requests.ts"
import { confidentialValues } from "../../domain/confidentialValues.ts"
import { placeholder } from "../../redaction/placeholder.ts"
import { makeRedactor, type Redactor } from "../../redaction/Redactor.ts"

/** Finds in any text what this job's configuration says in confidence, and what has the shape of a credential. */
export const redactorOf = (job: JobInput): Redactor => makeRedactor(confidentialValues(job))

/** The configuration as it may lie in a folder that everybody can read. */
export const withoutSecrets = (job: JobInput, redactor: Redactor): Readonly<Record<string, unknown>> => {
  const { webhook_headers: headers, webhook_secret: _secret, ...rest } = job
  const shown =
    headers === undefined
      ? rest
      : { ...rest, webhook_headers: Object.fromEntries(Object.keys(headers).map((name) => [name, placeholder])) }
  return Object.fromEntries(members(shown, redactor))
}

const members = (value: object, redactor: Redactor): ReadonlyArray<readonly [string, unknown]> =>
  Object.entries(value).map(([key, member]) => [key, masked(key, member, redactor)])

const masked = (key: string, value: unknown, redactor: Redactor): unknown => {
  if (typeof value === "string") return maskedText(key, value, redactor)
  if (Array.isArray(value)) return value.map((item) => masked(key, item, redactor))
  return Predicate.isRecord(value) ? Object.fromEntries(members(value, redactor)) : value
}

/** Some credentials are known by their name alone, as in `NOMAD_TOKEN=…`. */
const maskedText = (key: string, value: string, redactor: Redactor): string => {
  const named = `${key}=`
  const text = redactor.text(`${named}${value}`)
  return text.startsWith(named) ? text.slice(named.length) : placeholder
}
