import { Array as Arr, Option, Order } from "effect"

/**
 * The field that somebody probably meant by `key`, as a dotted path: the same word in another spelling or another
 * place, or one a slip of the finger away. Fields of the same parent go first.
 */
export const suggestField = (key: string, parent: string, fields: ReadonlyArray<string>): string | undefined => {
  if (key.length > maximumLength) return undefined
  const word = simplified(key)
  const allowed = Math.ceil(word.length / 4)
  const near = fields.flatMap((field) => {
    const dot = field.lastIndexOf(".")
    const name = simplified(field.slice(dot + 1))
    // Each missing letter is an error: most fields need no closer look, and a record can have many unknown keys.
    if (Math.abs(name.length - word.length) > allowed) return []
    const errors = distance(word, name)
    const elsewhere = field.slice(0, Math.max(dot, 0)) === parent ? 0 : 1
    return errors <= allowed ? [{ field, errors, elsewhere }] : []
  })
  return Option.getOrUndefined(Option.map(Arr.head(Arr.sort(near, byLikelihood)), ({ field }) => field))
}

interface Candidate {
  readonly field: string
  /** Wrong, missing and superfluous letters. */
  readonly errors: number
  /** 1 when it is in another object than the key. */
  readonly elsewhere: number
}

const byLikelihood = Order.combine(
  Order.mapInput(Order.number, ({ errors, elsewhere }: Candidate) => errors + elsewhere),
  Order.mapInput(Order.number, ({ field }: Candidate) => field.length)
)

/** Beyond the longest field there is nothing to compare, and the comparison takes time in proportion. */
const maximumLength = 40

const simplified = (key: string): string => key.toLowerCase().replaceAll(/[_-]/g, "")

/** Levenshtein's, in one row that is written over. */
const distance = (a: string, b: string): number => {
  const others = Array.from(b)
  const row = Array.from({ length: others.length + 1 }, (_, column) => column)
  for (const [at, letter] of Array.from(a).entries()) {
    let diagonal = at
    row[0] = at + 1
    for (let column = 0; column < others.length; column++) {
      const [left = 0, over = 0] = row.slice(column, column + 2)
      row[column + 1] = Math.min(left + 1, over + 1, diagonal + (letter === others[column] ? 0 : 1))
      diagonal = over
    }
  }
  return Math.max(...row.slice(-1))
}
