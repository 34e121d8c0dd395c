import { Schema } from "effect"
import { readFileSync } from "node:fs"

const Fixture = Schema.Struct({
  request: Schema.Struct({ method: Schema.String, path: Schema.String }),
  response: Schema.Struct({
    status: Schema.Number,
    headers: Schema.optionalWith(Schema.Record({ key: Schema.String, value: Schema.String }), { default: () => ({}) }),
    /** Of an answer in JSON. */
    body: Schema.optional(Schema.Unknown),
    /** Of an answer that is no JSON. */
    text: Schema.optional(Schema.String),
    /** Of a stream, as it arrived. */
    chunks: Schema.optional(Schema.Array(Schema.String)),
    /** Of the event stream, one JSON value each. */
    lines: Schema.optional(Schema.Array(Schema.Unknown))
  })
})
export type Fixture = typeof Fixture.Type

/** An answer of a real Nomad 1.1.2. */
export const fixture = (name: string): Fixture =>
  Schema.decodeUnknownSync(Schema.parseJson(Fixture))(
    readFileSync(new URL(`../fixtures/nomad/${name}.json`, import.meta.url), "utf8")
  )

/** Its body as it goes over the wire. */
export const bodyOf = ({ response }: Fixture): string =>
  response.text ?? (response.body === undefined ? "" : JSON.stringify(response.body))

const bytes = new TextEncoder()

export const bodyBytes = (name: string): Uint8Array => bytes.encode(bodyOf(fixture(name)))
