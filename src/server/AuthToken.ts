import { Either, Option, ParseResult, Schema } from "effect"
import { suggestField } from "../domain/suggestField.ts"
import type { CallerView } from "./Caller.ts"

/** Somebody who may ask, known by the hash of a secret. */
export interface AuthToken {
  /** 32 bytes. */
  readonly sha256: Uint8Array
  readonly caller: CallerView
}

/**
 * The list of tokens as an operator writes it, or what is wrong with it, with the entry and the mend. An empty text is an
 * empty list. The values are no secrets, but the message repeats none: somebody may have put the token itself there.
 */
export const decodeAuthTokens = (text: string): Either.Either<ReadonlyArray<AuthToken>, string> => {
  if (text.trim() === "") return Either.right([])
  const parsed = parseJson(text)
  if (Option.isNone(parsed)) return Either.left('is no JSON; write a list as [{"name": …, "sha256": …, "role": …}]')
  const list = parsed.value
  if (!Array.isArray(list)) return Either.left('must be a list: [{"name": …, "sha256": …, "role": …}]')
  const tokens: Array<AuthToken> = []
  const faults: Array<string> = []
  const entries: ReadonlyArray<unknown> = list
  for (const [index, entry] of entries.entries()) {
    const token = decodeEntry(entry)
    if (Either.isLeft(token)) faults.push(`[${index}]${token.left}`)
    else tokens.push(token.right)
  }
  faults.push(...repeated(tokens))
  return faults.length === 0 ? Either.right(tokens) : Either.left(faults.join("; "))
}

const parseJson = Schema.decodeUnknownOption(Schema.parseJson())

const Entry = Schema.Struct({
  name: Schema.String.pipe(Schema.pattern(/^[!-~](?:[ -~]{0,62}[!-~])?$/)),
  sha256: Schema.String.pipe(Schema.pattern(/^[0-9a-fA-F]{64}$/)),
  role: Schema.Literal("read", "submit", "admin"),
  owners: Schema.optional(Schema.Union(Schema.Literal("all"), Schema.NonEmptyArray(Schema.NonEmptyString)))
})

const mends: Readonly<Record<string, string>> = {
  name: "must be 1 to 64 printable characters",
  sha256: "must be the 64 hexadecimal digits that `printf %s TOKEN | sha256sum` prints",
  role: "must be read, submit or admin",
  owners: "must be a list of owners, or all"
}

const fields = Object.keys(Entry.fields)

const decodeUnknownEntry = Schema.decodeUnknownEither(Entry)

const decodeEntry = (entry: unknown): Either.Either<AuthToken, string> => {
  if (typeof entry !== "object" || entry === null || Array.isArray(entry)) {
    return Either.left(" must be an object with name, sha256, role and owners")
  }
  // A misspelt `owners` must not make somebody see everything.
  const unknown = Object.keys(entry).find((key) => !fields.includes(key))
  if (unknown !== undefined) {
    const meant = suggestField(unknown, "", fields)
    return Either.left(`.${unknown} is unknown${meant === undefined ? "" : `; did you mean ${meant}?`}`)
  }
  return decodeUnknownEntry(entry).pipe(
    Either.mapLeft((error) => {
      const [issue] = ParseResult.ArrayFormatter.formatErrorSync(error)
      const field = String(issue?.path[0] ?? "")
      return `.${field} ${issue?._tag === "Missing" ? "is missing" : (mends[field] ?? "is wrong")}`
    }),
    Either.flatMap(toToken)
  )
}

const toToken = ({ name, owners, role, sha256 }: typeof Entry.Type): Either.Either<AuthToken, string> => {
  if (owners === undefined && role !== "admin") {
    return Either.left(`.owners is missing: name those whose jobs ${role} is for, or all`)
  }
  if (owners !== undefined && owners !== "all" && role === "admin") {
    return Either.left(".owners can't narrow what admin may do: leave it out, or give the role submit")
  }
  return Either.right({
    sha256: Buffer.from(sha256, "hex"),
    caller: { name, role, owners: owners === undefined || owners === "all" ? "all" : new Set(owners) }
  })
}

/** Two with one name could not be told apart in logs and limits; two with one token have two rights. */
const repeated = (tokens: ReadonlyArray<AuthToken>): ReadonlyArray<string> => {
  const names = tokens.map(({ caller }) => caller.name)
  const hashes = tokens.map(({ sha256 }) => Buffer.from(sha256).toString("hex"))
  return [
    ...names.filter((name, index) => names.indexOf(name) !== index).map((name) => `the name ${name} is there twice`),
    ...(new Set(hashes).size === hashes.length ? [] : ["the same sha256 is there twice"])
  ]
}
