import { type Duration, Effect, Schema } from "effect"
import type { ApiError } from "../http/ApiError.ts"
import { type Call, type CallRequest, decodeBody } from "./Call.ts"
import { goDuration } from "./GoDuration.ts"

export type CheckStatus = "passing" | "warning" | "critical"

export interface AgentSelf {
  readonly datacenter: string
  readonly nodeName: string
  readonly nodeId: string
  readonly version: string
  readonly server: boolean
}

/** How a check is carried out: by a report within each TTL, or by Consul asking a URL. */
type CheckProbe =
  | { readonly ttl: Duration.DurationInput }
  | {
      readonly http: string
      readonly interval: Duration.DurationInput
      readonly timeout?: Duration.DurationInput
    }

export type CheckDefinition = CheckProbe & {
  readonly id: string
  readonly name: string
  /** Binds the check to a service of this agent. */
  readonly serviceId?: string
  readonly notes?: string
  /** Before the first report; critical unless given. */
  readonly status?: CheckStatus
  /** At least 1 min in Consul's own terms; it removes the service, not the check. */
  readonly deregisterCriticalServiceAfter?: Duration.DurationInput
}

export interface ServiceDefinition {
  readonly id: string
  readonly name: string
  readonly address?: string
  readonly port?: number
  readonly tags?: ReadonlyArray<string>
  readonly meta?: Readonly<Record<string, string>>
  readonly checks?: ReadonlyArray<CheckDefinition>
}

export const makeAgent = (call: Call) => ({
  agentSelf: () => {
    const request: CallRequest = { operation: "agent.self", method: "GET", path: "/v1/agent/self" }
    return call(request).pipe(
      Effect.flatMap(decodeSelf(request)),
      Effect.map(({ Config }) => ({
        datacenter: Config.Datacenter,
        nodeName: Config.NodeName,
        nodeId: Config.NodeID,
        version: Config.Version,
        server: Config.Server
      }))
    )
  },

  registerCheck: (check: CheckDefinition) =>
    put(call, `check.register ${check.id}`, "/v1/agent/check/register", {
      ...encodeCheck(check),
      ID: check.id,
      ServiceID: check.serviceId
    }),

  deregisterCheck: (id: string) =>
    absentIsFine(put(call, `check.deregister ${id}`, `/v1/agent/check/deregister/${encodeURIComponent(id)}`)),

  updateTtlCheck: (id: string, status: CheckStatus, output?: string) =>
    put(call, `check.update ${id}`, `/v1/agent/check/update/${encodeURIComponent(id)}`, {
      Status: status,
      Output: output
    }),

  registerService: (service: ServiceDefinition) =>
    put(
      call,
      `service.register ${service.id}`,
      "/v1/agent/service/register",
      {
        ID: service.id,
        Name: service.name,
        Address: service.address,
        Port: service.port,
        Tags: service.tags,
        Meta: service.meta,
        Checks: service.checks?.map((check) => ({ ...encodeCheck(check), CheckID: check.id }))
      },
      { "replace-existing-checks": "true" }
    ),

  deregisterService: (id: string) =>
    absentIsFine(put(call, `service.deregister ${id}`, `/v1/agent/service/deregister/${encodeURIComponent(id)}`))
})

const put = (
  call: Call,
  operation: string,
  path: string,
  body?: Readonly<Record<string, unknown>>,
  query?: CallRequest["query"]
) =>
  Effect.asVoid(
    call({
      operation,
      method: "PUT",
      path,
      ...(query === undefined ? {} : { query }),
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    })
  )

/** Older agents answer 200 for an unknown id, newer ones 404: either way it is gone. */
const absentIsFine = (effect: Effect.Effect<void, ApiError>): Effect.Effect<void, ApiError> =>
  Effect.catchTag(effect, "NotFound", () => Effect.void)

const encodeCheck = (check: CheckDefinition) => ({
  Name: check.name,
  Notes: check.notes,
  Status: check.status,
  DeregisterCriticalServiceAfter: durationOf(check.deregisterCriticalServiceAfter),
  ...("ttl" in check
    ? { TTL: goDuration(check.ttl) }
    : { HTTP: check.http, Interval: goDuration(check.interval), Timeout: durationOf(check.timeout) })
})

const durationOf = (input: Duration.DurationInput | undefined): string | undefined =>
  input === undefined ? undefined : goDuration(input)

const decodeSelf = decodeBody(
  Schema.Struct({
    Config: Schema.Struct({
      Datacenter: Schema.String,
      NodeName: Schema.String,
      NodeID: Schema.String,
      Version: Schema.String,
      Server: Schema.Boolean
    })
  })
)
