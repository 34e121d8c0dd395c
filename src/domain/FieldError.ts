/** One fault of a record, in words that say what would be accepted. Never quotes a value: it could be a secret. */
export interface FieldError {
  /** Where it is, from the top of the BuildJob: `test.vault_secrets[0].path`. Empty: the record as a whole. */
  readonly path: string
  readonly message: string
}

/** Keys and list positions, outermost first. */
export type FieldPath = ReadonlyArray<string | number>

/**
 * `fault` is a predicate ("is required") and follows the field's name, so that the message can stand alone
 * in an answer that has room for one line.
 */
export const fieldError = (path: FieldPath, fault: string): FieldError => {
  const name = label(path)
  return { path: formatPath(path), message: fault.startsWith(":") ? `${name}${fault}` : `${name} ${fault}` }
}

export const formatPath = (path: FieldPath): string => path.reduce<string>(appendSegment, "")

/** A key longer than this is cut: it may be half a megabyte of somebody's mistake. */
const maximumKeyLength = 64

const plainKey = /^[A-Za-z_][A-Za-z0-9_-]*$/

const appendSegment = (path: string, segment: string | number): string => {
  if (typeof segment === "number") return `${path}[${segment}]`
  if (segment.length > maximumKeyLength || !plainKey.test(segment)) return `${path}[${quoteKey(segment)}]`
  return path === "" ? segment : `${path}.${segment}`
}

const quoteKey = (key: string): string =>
  JSON.stringify(key.length > maximumKeyLength ? `${key.slice(0, maximumKeyLength)}…` : key)

/** Clients match on the texts of the Vault rules, and these name the list without `test.` and its member after a colon. */
const label = (path: FieldPath): string => {
  if (path.length === 0) return "the record"
  const [first, list, index, ...member] = path
  if (first !== "test" || typeof list !== "string" || !list.startsWith("vault_")) return formatPath(path)
  if (index === undefined) return list
  const item = formatPath([list, index])
  return member.length === 0 ? item : `${item}: ${formatPath(member)}`
}
