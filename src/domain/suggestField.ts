import { Array as Arr, Option, Order } from "effect"

/**
 * The field that somebody probably meant by `key`, as a dotted path: the same word in another spelling or another
 * place, or one a slip of the finger away. Fields of the same parent go first.
 */
export const suggestField = (key: string, parent: string, fields: ReadonlyArray<string>): string | undefined => {
  if (key.length > maximumLength) return undefined
  const word = simplified(key)
  const near = fields.flatMap((field) => {
    const dot = field.lastIndexOf(".")
    const errors = distance(word, simplified(field.slice(dot + 1)))
    const elsewhere = field.slice(0, Math.max(dot, 0)) === parent ? 0 : 1
    return errors <= Math.ceil(word.length / 4) ? [{ field, errors, elsewhere }] : []
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

/** Levenshtein's. */
const distance = (a: string, b: string): number => {
  const last = Array.from(a).reduce<ReadonlyArray<number>>(
    (above, letter, row) =>
      Array.from(b).reduce<Array<number>>(
        (line, other, column) => {
          const [left = 0, diagonal = 0, over = 0] = [line.at(-1), above[column], above[column + 1]]
          line.push(Math.min(left + 1, over + 1, diagonal + (letter === other ? 0 : 1)))
          return line
        },
        [row + 1]
      ),
    Array.from({ length: Array.from(b).length + 1 }, (_, column) => column)
  )
  return Math.max(...last.slice(-1))
}
