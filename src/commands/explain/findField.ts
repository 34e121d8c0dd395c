import { Effect } from "effect"
import { suggestField } from "../../domain/suggestField.ts"
import { type CommandError, usageError } from "../CommandError.ts"
import { flattened, type RecordField, recordFields } from "./RecordField.ts"
import { recordFieldPaths } from "./recordFieldPaths.ts"

/** A field by the path that people type and that errors name: with positions in lists, in a wrapper, in a map. */
export const findField = (given: string): Effect.Effect<RecordField, CommandError> => {
  const path = given.replaceAll(/\[[^\]]*\]/g, "").replace(/^(?:job_config|jobConfig)\./, "")
  const all = flattened(recordFields)
  const parent = path.split(".").slice(0, -1).join(".")
  const found = all.find((field) => field.path === path)
  // The names in a map are anybody's: what there is to say is said of the map.
  const map = all.find((field) => field.path === parent && field.type.startsWith("map of "))
  const field = found ?? map
  if (field !== undefined) return Effect.succeed(field)
  const suggestion = suggestField(path.slice(parent === "" ? 0 : parent.length + 1), parent, recordFieldPaths)
  const mend = suggestion === undefined ? "jobforge explain shows them all" : `did you mean ${suggestion}?`
  return Effect.fail(usageError(`there is no field ${JSON.stringify(given)}; ${mend}`))
}
