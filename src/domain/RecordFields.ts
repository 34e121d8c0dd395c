import { Schema } from "effect"
import { BuildJobFields } from "./BuildJob.ts"
import { Command } from "./BuildJobTest.ts"
import { flag, isPrintable, list, map, mapKey, optional, text, typeFault } from "./BuildJobText.ts"
import { Timeout } from "./BuildJobTimeout.ts"

/** What a run does about another that holds the image+ref or the image:tag that it wants. */
export const OnConflict = Schema.Literal("queue", "supersede", "reject")
export type OnConflict = typeof OnConflict.Type

/**
 * A record: a BuildJob and what the record says about itself.
 *
 * Nothing of the latter changes what is built, so nothing of it is part of the record's hash.
 */
export const RecordFields = Schema.Struct({
  ...BuildJobFields.fields,
  state: optional(
    Schema.Literal("active", "cancelled").annotations({
      message: () => ({ message: "must be active or cancelled", override: true })
    }),
    "cancelled ends the record's run, as deleting the record does; active when left out.",
    { default: "active" }
  ),
  on_conflict: optional(
    OnConflict.annotations({ message: () => ({ message: "must be queue, supersede or reject", override: true }) }),
    "When another run holds the image and ref, or the tag: wait (queue, the default), end it (supersede), or fail (reject).",
    { default: "queue" }
  ),
  labels: optional(
    map(
      mapKey(
        /^[A-Za-z0-9](?:[A-Za-z0-9._/-]{0,126}[A-Za-z0-9])?$/,
        "a label name of at most 128 letters, digits and ._/- that starts and ends with a letter or digit"
      ),
      text({
        fault: (value) => (isPrintable(value, 256) ? undefined : "must have at most 256 printable characters"),
        jsonSchema: { maxLength: 256 }
      }),
      64
    ),
    "Names and values for whoever manages the record; the service only keeps them.",
    { default: {}, examples: [{ team: "platform" }] }
  )
}).annotations({ message: typeFault("an object of BuildJob fields, bare or in job_config") })

/** Earlier names of members of `test`. They stay accepted for as long as scripts and records use them. */
export const LegacyFields = Schema.Struct({
  test_commands: optional(list(Command, 64), "Earlier name of test.commands; that counts when left out."),
  test_entry_point: optional(flag, "Earlier name of test.entry_point; that counts when left out."),
  test_timeout: optional(Timeout, "Earlier name of test.timeout; that counts when left out.")
})

/** Which member of `test` each of them is. */
export const legacyTestFields = {
  test_commands: "commands",
  test_entry_point: "entry_point",
  test_timeout: "timeout"
} as const
