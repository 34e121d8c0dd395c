import { Effect, Predicate, Schema } from "effect"
import { placeholder } from "../../redaction/placeholder.ts"
import { makeRedactor } from "../../redaction/Redactor.ts"
import { LiveSettings } from "../../store/LiveSettings.ts"

/** With it a line is written whatever the least level is: it was asked for by a setting of its own. */
export const alwaysLogged = "mcp_raw"

/** Writes what came or went to the log, if `MCP_LOG_LEVEL` says so. Never what a client says in confidence. */
export const logRaw = Effect.fnUntraced(function* (what: "request" | "tool" | "response", content: unknown) {
  const settings = yield* LiveSettings
  const { mcpLogLevel } = yield* settings.current
  if (mcpLogLevel === 0) return
  const text = Predicate.isString(content) ? redactor.text(content) : encode(masked(content))
  yield* Effect.annotateLogs(Effect.logInfo(`mcp ${what}`), { [alwaysLogged]: text })
})

/** A copy of a message without secrets: those that have a field of their own, and what looks like one. */
export const masked = (value: unknown): unknown => {
  if (Predicate.isString(value)) return redactor.text(value)
  if (Array.isArray(value)) return value.map(masked)
  if (!Predicate.isRecord(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, maskedMember(key, member)]))
}

/** Of what has the shape of a credential: logins in URLs, for one. */
const redactor = makeRedactor([])

const maskedMember = (key: string, member: unknown): unknown => {
  const name = key.toLowerCase()
  if (name === "webhook_headers")
    return Predicate.isRecord(member)
      ? Object.fromEntries(Object.keys(member).map((header) => [header, placeholder]))
      : placeholder
  if (!secretName.test(name) || name.endsWith("_path") || name === "progresstoken") return masked(member)
  // Paths and the names of variables; a list or an object in the place of a secret is one.
  return name === "vault_secrets" ? masked(member) : placeholder
}

/** Also what somebody wrote where it does not belong: such a request is refused, and still logged. */
const secretName = /secret|password|passwd|authorization|credential|api_?key|token/

const encode = Schema.encodeSync(Schema.parseJson(Schema.Unknown))
