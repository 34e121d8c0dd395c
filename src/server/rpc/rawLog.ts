import { Effect, Predicate, Schema } from "effect"
import { LiveSettings } from "../../store/LiveSettings.ts"

/** With it a line is written whatever the least level is: it was asked for by a setting of its own. */
export const alwaysLogged = "mcp_raw"

/** Writes what came or went to the log, if `MCP_LOG_LEVEL` says so. Never what a client says in confidence. */
export const logRaw = Effect.fnUntraced(function* (what: "request" | "tool" | "response", content: unknown) {
  const settings = yield* LiveSettings
  const { mcpLogLevel } = yield* settings.current
  if (mcpLogLevel === 0) return
  const text = Predicate.isString(content) ? withoutLogins(content) : encode(masked(content))
  yield* Effect.annotateLogs(Effect.logInfo(`mcp ${what}`), { [alwaysLogged]: text })
})

/** A copy of a message without secrets: those that have a field of their own, and logins in URLs. */
export const masked = (value: unknown): unknown => {
  if (Predicate.isString(value)) return withoutLogins(value)
  if (Array.isArray(value)) return value.map(masked)
  if (!Predicate.isRecord(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, maskedMember(key, member)]))
}

const hidden = "[redacted]"

const maskedMember = (key: string, member: unknown): unknown => {
  const name = key.toLowerCase()
  if (name === "webhook_headers")
    return Predicate.isRecord(member)
      ? Object.fromEntries(Object.keys(member).map((header) => [header, hidden]))
      : hidden
  return Predicate.isString(member) && secretName.test(name) && !name.endsWith("_path") ? hidden : masked(member)
}

/** Also what somebody wrote where it does not belong: such a request is refused, and still logged. */
const secretName = /secret|password|passwd|authorization|credential|api_?key|access_?token/

const withoutLogins = (text: string): string => text.replaceAll(/:\/\/[^/@\s"]+@/g, `://${hidden}@`)

const encode = Schema.encodeSync(Schema.parseJson(Schema.Unknown))
