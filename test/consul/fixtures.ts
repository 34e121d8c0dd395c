import { Schema } from "effect"
import { readFileSync } from "node:fs"

const Fixture = Schema.Struct({
  request: Schema.Struct({
    method: Schema.String,
    path: Schema.String,
    body: Schema.optional(Schema.Unknown),
    raw_body: Schema.optional(Schema.String)
  }),
  response: Schema.Struct({
    status: Schema.Number,
    headers: Schema.Record({ key: Schema.String, value: Schema.String }),
    body: Schema.optional(Schema.Unknown),
    text: Schema.optional(Schema.String)
  })
})
export type Fixture = typeof Fixture.Type

/** One exchange recorded with a real Consul 1.8.7. */
export const fixture = (name: string): Fixture =>
  Schema.decodeSync(Schema.parseJson(Fixture))(
    readFileSync(new URL(`../fixtures/consul/${name}.json`, import.meta.url), "utf8")
  )
