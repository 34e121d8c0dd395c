import { Effect, Schema } from "effect"
import { Unavailable } from "../http/ApiError.ts"
import type { CheckStatus } from "./Agent.ts"
import { about, type Call, type CallRequest, decodeBody } from "./Call.ts"

/** One instance of a service, with the worst status of its own checks and of its node's. */
export interface ServiceInstance {
  readonly node: string
  readonly id: string
  readonly service: string
  /** The service's own address, or its node's. */
  readonly address: string
  readonly port: number
  readonly tags: ReadonlyArray<string>
  readonly meta: Readonly<Record<string, string>>
  readonly status: CheckStatus
}

export const makeCatalog = (call: Call) => ({
  healthService: (name: string, passingOnly: boolean) => {
    const request: CallRequest = {
      operation: `health.service ${name}`,
      method: "GET",
      path: `/v1/health/service/${encodeURIComponent(name)}`,
      query: { passing: passingOnly ? true : undefined }
    }
    return call(request).pipe(
      Effect.flatMap(decodeInstances(request)),
      Effect.map((instances) => instances.map(toInstance))
    )
  },

  catalogServices: () => {
    const request: CallRequest = { operation: "catalog.services", method: "GET", path: "/v1/catalog/services" }
    return call(request).pipe(
      Effect.flatMap(decodeServices(request)),
      Effect.map((services) => Object.fromEntries(Object.entries(services).map(([name, tags]) => [name, tags ?? []])))
    )
  },

  leader: () => {
    const request: CallRequest = { operation: "status.leader", method: "GET", path: "/v1/status/leader" }
    return call(request).pipe(
      Effect.flatMap(decodeLeader(request)),
      Effect.filterOrFail(
        (leader) => leader !== "",
        () => new Unavailable({ ...about(request), detail: "no cluster leader" })
      )
    )
  }
})

const Tags = Schema.NullOr(Schema.Array(Schema.String))
const decodeServices = decodeBody(Schema.Record({ key: Schema.String, value: Tags }))
const decodeLeader = decodeBody(Schema.String)

const Instance = Schema.Struct({
  Node: Schema.Struct({ Node: Schema.String, Address: Schema.String }),
  Service: Schema.Struct({
    ID: Schema.String,
    Service: Schema.String,
    Address: Schema.optional(Schema.String),
    Port: Schema.optional(Schema.Number),
    Tags: Schema.optional(Tags),
    Meta: Schema.optional(Schema.NullOr(Schema.Record({ key: Schema.String, value: Schema.String })))
  }),
  Checks: Schema.Array(Schema.Struct({ Status: Schema.String }))
})
const decodeInstances = decodeBody(Schema.Array(Instance))

const toInstance = ({ Checks, Node, Service }: typeof Instance.Type): ServiceInstance => ({
  node: Node.Node,
  id: Service.ID,
  service: Service.Service,
  address: Service.Address === undefined || Service.Address === "" ? Node.Address : Service.Address,
  port: Service.Port ?? 0,
  tags: Service.Tags ?? [],
  meta: Service.Meta ?? {},
  status: worst(Checks.map(({ Status }) => Status))
})

/** A status that Consul may add counts as critical: nobody should be sent there. */
const worst = (statuses: ReadonlyArray<string>): CheckStatus => {
  if (statuses.every((status) => status === "passing")) return "passing"
  return statuses.every((status) => status === "passing" || status === "warning") ? "warning" : "critical"
}
