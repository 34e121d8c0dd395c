import { FetchHttpClient, HttpApiClient, HttpClient, HttpClientRequest } from "@effect/platform"
import { Effect } from "effect"
import { Api } from "../api/Api.ts"

export interface ConnectionOptions {
  /** Sent as a bearer token, where the service asks for one. */
  readonly token?: string
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>
  /** Used in the place of the global one. */
  readonly fetch?: typeof globalThis.fetch
}

/** An HTTP client that says who asks. */
export const httpClientOf = (options: ConnectionOptions): HttpClient.HttpClient => {
  const { fetch, headers = {}, token } = options
  const plain = Effect.runSync(Effect.provide(HttpClient.HttpClient, FetchHttpClient.layer))
  return plain.pipe(
    HttpClient.mapRequest((request) =>
      HttpClientRequest.setHeaders(request, {
        ...headers,
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` })
      })
    ),
    HttpClient.withTracerPropagation(false),
    fetch === undefined ? (same) => same : HttpClient.transform(Effect.provideService(FetchHttpClient.Fetch, fetch))
  )
}

/** Every endpoint of the definition as a function. */
export const callsOf = (httpClient: HttpClient.HttpClient, baseUrl: string) =>
  Effect.runSync(HttpApiClient.makeWith(Api, { httpClient, baseUrl }))
