import { Either, Schema } from "effect"

const json = Schema.decodeUnknownEither(Schema.parseJson(Schema.String))

/**
 * Reads what an environment template rendered, by the rules of the parser in Nomad: one `KEY=value` a line, an `export`
 * before it is allowed, single quotes take everything as it is, double quotes know JSON's escapes. Fails with its line.
 */
export const parseEnvFile = (text: string): Either.Either<Readonly<Record<string, string>>, string> => {
  const values: Record<string, string> = {}
  for (const [index, line] of text.split("\n").entries()) {
    const read = parseLine(line)
    if (read === undefined) continue
    if (typeof read === "string") return Either.left(`error on line ${index + 1}: ${read}`)
    values[read.key] = read.value
  }
  return Either.right(values)
}

interface Assignment {
  readonly key: string
  readonly value: string
}

/** A text is what is wrong; `undefined` an empty line or a comment. */
const parseLine = (line: string): Assignment | string | undefined => {
  const content = line.trim()
  if (content === "" || content.startsWith("#")) return undefined
  const equals = content.indexOf("=")
  if (equals < 0) return "missing ="
  const key = content
    .slice(0, equals)
    .replace(/^export\s+/, "")
    .trim()
  if (key === "") return "empty key"
  if (!/^[A-Za-z_][A-Za-z0-9_.-]*$/.test(key)) return `invalid character in key ${JSON.stringify(key)}`
  return valueOf(key, content.slice(equals + 1).trim())
}

const part = /"((?:[^"\\]|\\.)*)"|'([^']*)'|(\s+#.*$|^#.*$)|(["'])|([^"'\s]+|\s+)/g

const valueOf = (key: string, raw: string): Assignment | string => {
  let value = ""
  for (const [whole, doubled, single, comment, open] of raw.matchAll(part)) {
    if (comment !== undefined) break
    if (open !== undefined) return "unmatched quotes"
    if (doubled !== undefined) {
      const read = json(whole.replaceAll(/\\([$'`!])/g, "$1"))
      if (Either.isLeft(read)) return `invalid escape sequence in ${key}`
      value += read.right
    } else value += single ?? whole
  }
  return { key, value }
}
