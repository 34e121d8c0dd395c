import { Option, Schema } from "effect"
import { storedJson } from "./storedJson.ts"

/** The value of a key below `requests/`: one verb about one run, or about what belongs to none. */
export const requestValue = storedJson(
  Schema.Union(
    Schema.Struct({ verb: Schema.Literal("kill", "retry", "cleanup", "purge"), job_id: Schema.NonEmptyString }),
    Schema.Struct({ verb: Schema.Literal("collect") })
  )
)

/**
 * The verb of a request that this version doesn't know: a replica of a newer one has written it, and will answer it once it
 * leads. It is none for whoever leads now, but none to throw away either.
 */
export const verbForNewer = (bytes: Uint8Array): Option.Option<string> =>
  Option.filter(
    Option.map(verbOnly.decode(bytes), ({ verb }) => verb),
    (verb) => !knownVerbs.has(verb)
  )

const verbOnly = storedJson(Schema.Struct({ verb: Schema.NonEmptyString }))

export const knownVerbs: ReadonlySet<string> = new Set(["kill", "retry", "cleanup", "purge", "collect"])
