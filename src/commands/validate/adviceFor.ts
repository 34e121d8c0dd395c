import { Predicate } from "effect"
import { normaliseRecord } from "../../domain/normaliseRecord.ts"
import { legacyTestFields } from "../../domain/RecordFields.ts"
import { looksLikeVaultReference } from "../../domain/vaultReference.ts"
import type { Part } from "./locate.ts"

/** Something that the service accepts and that somebody will be sorry for. */
export interface Advice {
  readonly path: string
  readonly at: Part
  /** Follows the path: a predicate. */
  readonly message: string
}

/** Never quotes a value, and says nothing of what is refused anyway. */
export const adviceFor = (value: unknown): ReadonlyArray<Advice> => {
  const { record } = normaliseRecord(value)
  if (!Predicate.isRecord(record)) return []
  return [...untested(record["test"]), ...unheard(record), ...readable(record["webhook_secret"])]
}

/** Names that are still accepted. */
export const spellingAdvice = (value: unknown): ReadonlyArray<Advice> => {
  const { asGiven } = normaliseRecord(value)
  return Object.entries(legacyTestFields)
    .filter(([name, member]) => asGiven({ path: ["test", member], fault: "" }).path.includes(name))
    .map(([name, member]) => advice(name, "key", `is the earlier name of test.${member}`))
}

const untested = (test: unknown): ReadonlyArray<Advice> => {
  if (!Predicate.isRecord(test)) return []
  const { commands, entry_point: entryPoint } = test
  const commanded = commands !== undefined && !(Array.isArray(commands) && commands.length === 0)
  return commanded || (entryPoint !== undefined && entryPoint !== false)
    ? []
    : [advice("test", "key", "has neither commands nor entry_point: the image is published without a test")]
}

const unheard = (record: Readonly<Record<PropertyKey, unknown>>): ReadonlyArray<Advice> => {
  if (record["webhook_url"] !== undefined) return []
  return ["webhook_secret", "webhook_on_success", "webhook_on_failure", "webhook_headers"]
    .filter((name) => record[name] !== undefined)
    .map((name) => advice(name, "key", "does nothing without webhook_url"))
}

const readable = (secret: unknown): ReadonlyArray<Advice> =>
  Predicate.isString(secret) && !looksLikeVaultReference(secret)
    ? [
        advice(
          "webhook_secret",
          "value",
          "stands here for every reader of the record; put it in Vault and name it as vault:<path>#<field>"
        )
      ]
    : []

const advice = (path: string, at: Part, message: string): Advice => ({ path, at, message: `${path} ${message}` })
