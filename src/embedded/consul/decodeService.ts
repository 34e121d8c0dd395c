import { HttpRefusal, refuse } from "./ConsulRequest.ts"
import type { CheckSpec, CheckStatus, HttpProbe, ServiceSpec } from "./ConsulState.ts"
import { DecodeError, decodeJson, GoObject } from "./goJson.ts"

/** The body of a registration of a service, with its checks. Throws HttpRefusal. */
export const decodeService = (
  bytes: Buffer
): { readonly service: ServiceSpec; readonly checks: ReadonlyArray<CheckSpec> } =>
  decodeAs(bytes, "structs.ServiceDefinition", (fields) => {
    refuseForeign(fields, serviceFields, unsupportedOfService, "a service")
    const service = serviceOf(fields)
    if (service.name === "") throw new HttpRefusal(400, "Missing service name")
    const given = [fields.object("Check"), ...(fields.objects("Checks") ?? [])].filter(isGiven)
    const checks = given.map((check, index) => {
      refuseForeign(check, checkFields, unsupportedOfCheck, "a check")
      const defaults = {
        id: given.length === 1 ? `service:${service.id}` : `service:${service.id}:${index + 1}`,
        name: `Service '${service.name}' check`,
        serviceId: service.id
      }
      const spec = checkOf(check, defaults, "Status for checks must 'passing', 'warning', 'critical'")
      return { ...spec, serviceId: service.id }
    })
    return { service, checks }
  })

/** The body of a registration of a check on its own. Throws HttpRefusal. */
export const decodeCheck = (bytes: Buffer): CheckSpec =>
  decodeAs(bytes, "structs.CheckDefinition", (fields) => {
    refuseForeign(fields, checkFields, unsupportedOfCheck, "a check")
    const name = fields.string("Name")
    if (name === "") throw new HttpRefusal(400, "Missing check name")
    return checkOf(fields, { id: name, name, serviceId: "" }, "Bad check status")
  })

/** Reads a body, refusing with 400 what Go's decoder refuses. */
export const decodeAs = <A>(bytes: Buffer, goType: string, read: (fields: GoObject) => A): A => {
  try {
    return read(new GoObject(decodeJson(bytes), "", goType))
  } catch (error) {
    if (error instanceof DecodeError) throw new HttpRefusal(400, `Request decode failed: ${error.message}`)
    throw error
  }
}

export const isStatus = (status: string): status is CheckStatus =>
  status === "passing" || status === "warning" || status === "critical"

const serviceFields = ["ID", "Name", "Tags", "Meta", "Address", "Port", "Weights", "EnableTagOverride", "Check"].concat(
  ["Checks", "Token", "Namespace"]
)
const unsupportedOfService = ["Kind", "TaggedAddresses", "Proxy", "Connect"]

const checkFields = ["ID", "CheckID", "Name", "Notes", "Status", "ServiceID", "TTL", "HTTP", "Method", "Header"].concat(
  ["Body", "Interval", "Timeout", "TLSSkipVerify", "DeregisterCriticalServiceAfter", "Token", "Namespace"]
)
const unsupportedOfCheck = ["Args", "ScriptArgs", "TCP", "GRPC", "GRPCUseTLS", "DockerContainerID", "Shell"].concat([
  "AliasNode",
  "AliasService",
  "OutputMaxSize",
  "SuccessBeforePassing",
  "FailuresBeforeCritical"
])

/** What Consul knows and this one doesn't is refused by name, unless it is empty. */
const refuseForeign = (
  fields: GoObject,
  known: ReadonlyArray<string>,
  unsupported: ReadonlyArray<string>,
  where: string
): void => {
  fields.refuseUnknown([...known, ...unsupported])
  for (const name of unsupported)
    if (!isEmpty(fields.value(name)))
      throw new HttpRefusal(400, `the embedded Consul does not implement ${name} in ${where}`)
}

const isEmpty = (value: unknown): boolean => {
  if (typeof value === "object" && value !== null) return Object.values(value).every(isEmpty)
  return value === undefined || value === null || value === "" || value === 0 || value === false
}

/** An empty check counts as none. */
const isGiven = (check: GoObject | undefined): check is GoObject =>
  check?.names().some((name) => !isEmpty(check.value(name))) === true

const serviceOf = (fields: GoObject): ServiceSpec => {
  const name = fields.string("Name")
  const weights = fields.object("Weights")
  return {
    id: fields.string("ID") || name,
    name,
    tags: fields.strings("Tags") ?? [],
    meta: stringMap(fields.object("Meta")),
    address: fields.string("Address"),
    port: fields.integer("Port"),
    passingWeight: weights?.integer("Passing") ?? 1,
    warningWeight: weights?.integer("Warning") ?? 1,
    enableTagOverride: fields.boolean("EnableTagOverride")
  }
}

const stringMap = (object: GoObject | undefined): Record<string, string> =>
  Object.fromEntries((object?.names() ?? []).map((name) => [name, object?.string(name) ?? ""]))

const checkOf = (
  fields: GoObject,
  defaults: { readonly id: string; readonly name: string; readonly serviceId: string },
  badStatus: string
): CheckSpec => {
  const status = fields.string("Status")
  if (status !== "" && !isStatus(status)) throw new HttpRefusal(400, badStatus)
  return {
    id: fields.string("CheckID") || fields.string("ID") || defaults.id,
    name: fields.string("Name") || defaults.name,
    notes: fields.string("Notes"),
    serviceId: fields.string("ServiceID") || defaults.serviceId,
    ...(isStatus(status) ? { status } : {}),
    kind: kindOf(fields),
    deregisterAfterMs: fields.duration("DeregisterCriticalServiceAfter")
  }
}

const kindOf = (fields: GoObject): CheckSpec["kind"] => {
  const url = fields.string("HTTP")
  const ttlMs = fields.duration("TTL")
  const intervalMs = fields.duration("Interval")
  if (intervalMs > 0 && ttlMs > 0) return invalid("Interval and TTL cannot both be specified")
  if (url !== "" && intervalMs <= 0) return invalid("Interval must be > 0 for Script, HTTP, or TCP checks")
  if (url === "" && ttlMs <= 0) return invalid("TTL must be > 0 for TTL checks")
  return url === "" ? { _tag: "Ttl", ttlMs } : { _tag: "Http", probe: probeOf(fields, url, intervalMs) }
}

const invalid = (why: string): never => refuse(400, `Invalid check: ${why}`)

const probeOf = (fields: GoObject, url: string, intervalMs: number): HttpProbe => {
  const headers = fields.object("Header")
  return {
    url,
    method: fields.string("Method") || "GET",
    headers: Object.fromEntries((headers?.names() ?? []).map((name) => [name, headers?.strings(name) ?? []])),
    body: fields.string("Body"),
    // Consul asks at most once a second.
    intervalMs: Math.max(intervalMs, 1000),
    timeoutMs: fields.duration("Timeout") || 10_000,
    tlsSkipVerify: fields.boolean("TLSSkipVerify")
  }
}
