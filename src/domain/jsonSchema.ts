import { JSONSchema, Schema } from "effect"
import { ImageTag, maximumTags } from "./BuildJob.ts"
import { list, optional, required } from "./BuildJobText.ts"
import { LegacyFields, RecordFields } from "./RecordFields.ts"

/**
 * What a record, a request or a tool call may hold, earlier spellings included: the schema that decodes plus what
 * `normaliseRecord` turns into it.
 *
 * The decoder refuses more: what a pattern can't say, and the rules between fields.
 */
const InputFields = Schema.Struct({
  ...RecordFields.fields,
  image_tags: optional(
    Schema.Union(
      list(ImageTag, maximumTags),
      Schema.String.annotations({ description: "One tag, or a JSON array of tags as text." }),
      Schema.Null.annotations({ description: "No tags." })
    ),
    "Tags besides the job's id, which is always the first one.",
    { default: [], examples: [["v1.4.2", "latest"]] }
  ),
  ...LegacyFields.fields
})

const Bare = InputFields.annotations({ identifier: "BuildJob" })

const { labels, on_conflict, state } = RecordFields.fields

const wrapped = "The BuildJob. The bare form, without this wrapper, means the same."

/** A record as it stands in KV or in a file: bare, or in one of the two wrappers. */
const AnyRecord = Schema.Union(
  Bare,
  Schema.Struct({ job_config: required(Bare, wrapped), state, on_conflict, labels }),
  Schema.Struct({ jobConfig: required(Bare, wrapped), state, on_conflict, labels })
)

/** JSON Schema 2020-12 of the bare form, an object with its properties inline: what tool descriptions need. */
export const jobJsonSchema = JSONSchema.make(InputFields, { target: "jsonSchema2020-12" })

/** JSON Schema 2020-12 of a whole record, for editors and for checks before a put. */
export const recordJsonSchema = JSONSchema.make(AnyRecord, { target: "jsonSchema2020-12" })
