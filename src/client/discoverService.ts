import { HttpClientRequest, HttpClientResponse } from "@effect/platform"
import { Effect, Random, Schema } from "effect"
import { type ConnectionOptions, httpClientOf } from "./callsOf.ts"
import { type JobForgeError, ServiceUnavailable } from "./ClientErrors.ts"
import { errorOf } from "./errorOf.ts"

export interface DiscoverOptions {
  /** Of a Consul agent; `http://127.0.0.1:8500` when left out. */
  readonly consul?: string
  readonly consulToken?: string
  /** Its name in Consul's catalog; `jobforge-service` when left out. */
  readonly service?: string
  readonly datacenter?: string
  /** How the service is spoken to; `http` when left out. */
  readonly scheme?: "http" | "https"
}

/** The address of one healthy instance, another one each time. */
export const discoverService = (
  options: DiscoverOptions & Pick<ConnectionOptions, "fetch">
): Effect.Effect<string, JobForgeError> =>
  Effect.gen(function* () {
    const { consul = "http://127.0.0.1:8500", scheme = "http", service = "jobforge-service" } = options
    const client = httpClientOf(options.fetch === undefined ? {} : { fetch: options.fetch })
    const instances = yield* HttpClientRequest.get(
      `${consul.replace(/\/+$/, "")}/v1/health/service/${encodeURIComponent(service)}`
    ).pipe(
      HttpClientRequest.setUrlParams({
        passing: "true",
        ...(options.datacenter === undefined ? {} : { dc: options.datacenter })
      }),
      HttpClientRequest.setHeaders(options.consulToken === undefined ? {} : { "x-consul-token": options.consulToken }),
      client.execute,
      Effect.flatMap(HttpClientResponse.filterStatusOk),
      Effect.flatMap(HttpClientResponse.schemaBodyJson(Instances))
    )
    const [first, ...others] = instances
    if (first === undefined) {
      return yield* new ServiceUnavailable({ error: `Consul knows no healthy instance of ${service}` })
    }
    const index = yield* Random.nextIntBetween(0, 1 + others.length)
    const { Node, Service } = [first, ...others][index] ?? first
    const host = Service.Address === "" ? Node.Address : Service.Address
    return `${scheme}://${host.includes(":") ? `[${host}]` : host}:${Service.Port}`
  }).pipe(Effect.mapError(errorOf))

const Instances = Schema.Array(
  Schema.Struct({
    Node: Schema.Struct({ Address: Schema.String }),
    Service: Schema.Struct({ Address: Schema.String, Port: Schema.Int })
  })
)
