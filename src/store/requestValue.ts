import { Schema } from "effect"
import { storedJson } from "./storedJson.ts"

/** The value of a key below `requests/`: one verb about one run, or about what belongs to none. */
export const requestValue = storedJson(
  Schema.Union(
    Schema.Struct({ verb: Schema.Literal("kill", "retry", "cleanup", "purge"), job_id: Schema.NonEmptyString }),
    Schema.Struct({ verb: Schema.Literal("collect") })
  )
)
