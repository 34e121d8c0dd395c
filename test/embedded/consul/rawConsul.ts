import { Effect } from "effect"
import { request } from "node:http"

export interface RawRequest {
  readonly method: string
  /** Percent-encoded, with the query. */
  readonly path: string
  readonly body?: string | Uint8Array
}

export interface RawAnswer {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
}

/** One request as it stands: fetch would follow redirects and clean the path. */
export const ask = (port: number, { method, path, body }: RawRequest): Effect.Effect<RawAnswer> =>
  Effect.async((resume, signal) => {
    const outgoing = request(
      { host: "127.0.0.1", port, method, path, signal, ...(body === undefined ? {} : lengthOf(body)) },
      (response) => {
        const chunks: Array<Buffer> = []
        response.on("data", (chunk: Buffer) => chunks.push(chunk))
        response.on("error", (error) => resume(Effect.die(error)))
        response.on("end", () => {
          const headers = Object.entries(response.headers).map(([name, value]) => [name, String(value)])
          const text = Buffer.concat(chunks).toString("utf8")
          resume(Effect.succeed({ status: response.statusCode ?? 0, headers: Object.fromEntries(headers), text }))
        })
      }
    )
    outgoing.on("error", (error) => resume(Effect.die(error)))
    outgoing.end(body)
  })

export const toJson = (value: unknown): string => JSON.stringify(value)

export const fromJson = (text: string): unknown => JSON.parse(text)

/** The body as JSON where the answer says so, else its text. */
export const bodyOf = ({ headers, text }: RawAnswer): unknown =>
  headers["content-type"] === "application/json" ? JSON.parse(text) : text

const lengthOf = (body: string | Uint8Array) => ({ headers: { "Content-Length": Buffer.byteLength(body) } })
