import { HttpServerResponse } from "@effect/platform"
import { Schema } from "effect"

/** JSON as the service's clients have always got it: a line, with what HTML could stumble over escaped. */
export const jsonAnswer = (
  body: unknown,
  options: {
    readonly status?: number
    readonly headers?: Readonly<Record<string, string>>
    readonly escaped?: boolean
  } = {}
): HttpServerResponse.HttpServerResponse => {
  const text = encode(body)
  return HttpServerResponse.text(`${options.escaped === false ? text : escape(text)}\n`, {
    status: options.status ?? 200,
    contentType: "application/json; charset=utf-8",
    headers: { "cache-control": "no-store", "x-content-type-options": "nosniff", ...options.headers }
  })
}

export const textAnswer = (
  body: string,
  status: number,
  headers: Readonly<Record<string, string>> = {}
): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.text(body, { status, contentType: "text/plain; charset=utf-8", headers })

const escape = (json: string): string =>
  json.replaceAll(/[<>&]/g, (character) => `\\u00${character.charCodeAt(0).toString(16)}`)

const encode = Schema.encodeSync(Schema.parseJson(Schema.Unknown))
