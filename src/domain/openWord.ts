import { Schema } from "effect"

/** A word that only a newer version knows: kept, shown and written again as it is. */
export const NewerWord = Schema.String.pipe(Schema.brand("NewerWord"))
export type NewerWord = typeof NewerWord.Type

/**
 * Words of which a newer version may have more. For those that only tell something: one that says what to do next must be
 * known, or else it can't be gone on with.
 */
export const openWord = <const Known extends string>(
  known: Schema.Schema<Known>
): Schema.Union<[Schema.Schema<Known>, typeof NewerWord]> => Schema.Union(known, NewerWord)
