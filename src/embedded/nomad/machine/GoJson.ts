import { Either } from "effect"

/** Where a value stands, in the words of Go's decoder: the struct that holds it and the path from the root. */
export interface Place {
  readonly struct: string
  readonly path: string
  /** Notes a field that would change what runs and that nobody here implements. */
  readonly refuse: (field: string) => void
}

/**
 * How one Go type reads JSON: what is absent or null gives the zero value, keys match whatever their case, unknown keys
 * are dropped, and a wrong type fails with `encoding/json`'s own sentence.
 */
export interface GoType<out A> {
  readonly goName: string
  readonly zero: A
  readonly decode: (value: unknown, place: Place) => Either.Either<A, string>
}

export type Decoded<T> = T extends GoType<infer A> ? A : never

/** An absent or null value becomes `zero`; anything else goes through `read`, whose `undefined` means a wrong type. */
const scalar = <A>(goName: string, zero: A, read: (value: unknown) => A | undefined): GoType<A> => ({
  goName,
  zero,
  decode: (value, place) => {
    if (value === null || value === undefined) return Either.right(zero)
    const decoded = read(value)
    return decoded === undefined ? mismatch(value, place, goName) : Either.right(decoded)
  }
})

export const string: GoType<string> = scalar("string", "", (value) => (typeof value === "string" ? value : undefined))
export const boolean: GoType<boolean> = scalar("bool", false, (value) =>
  typeof value === "boolean" ? value : undefined
)
export const integer: GoType<number> = scalar("int", 0, (value) =>
  typeof value === "number" && Number.isInteger(value) ? value : undefined
)
/** Nanoseconds. */
export const duration: GoType<number> = { ...integer, goName: "time.Duration" }

/** What the job's author may leave out, with the value that Nomad's API client fills in then. */
export const withDefault = <A>(type: GoType<A>, value: A): GoType<A> => ({
  goName: type.goName,
  zero: value,
  decode: (json, place) => (json === null || json === undefined ? Either.right(value) : type.decode(json, place))
})

export const nullable = <A>(type: GoType<A>): GoType<A | null> => ({
  goName: type.goName,
  zero: null,
  decode: (json, place) => (json === null || json === undefined ? Either.right(null) : type.decode(json, place))
})

export const list = <A>(type: GoType<A>): GoType<ReadonlyArray<A> | null> => ({
  goName: `[]${elementName(type)}`,
  zero: null,
  decode: (json, place) => {
    if (json === null || json === undefined) return Either.right(null)
    return Array.isArray(json)
      ? Either.all(json.map((item: unknown) => type.decode(item, place)))
      : mismatch(json, place, `[]${elementName(type)}`)
  }
})

export const map = <A>(type: GoType<A>): GoType<Readonly<Record<string, A>> | null> => ({
  goName: `map[string]${elementName(type)}`,
  zero: null,
  decode: (json, place) => {
    if (json === null || json === undefined) return Either.right(null)
    if (!isObject(json)) return mismatch(json, place, `map[string]${elementName(type)}`)
    return Either.all(Object.fromEntries(Object.entries(json).map(([key, item]) => [key, type.decode(item, place)])))
  }
})

/** `interface{}`: kept as it came. */
export const anything: GoType<unknown> = { goName: "interface {}", zero: null, decode: (value) => Either.right(value) }

/** A field without effect on what runs here: read and forgotten, always shown with `zero`. */
export const ignored = <A>(zero: A): GoType<A> => ({ goName: "", zero, decode: () => Either.right(zero) })

/** A field that would change what runs: refused by name unless it is empty. */
export const refused = <A>(zero: A): GoType<A> => ({
  goName: "",
  zero,
  decode: (value, place) => {
    if (!isEmpty(value)) place.refuse(place.path)
    return Either.right(zero)
  }
})

type Fields = Readonly<Record<string, GoType<unknown>>>
type Shape<F extends Fields> = { readonly [K in keyof F]: Decoded<F[K]> }

export const struct = <F extends Fields>(goName: string, fields: F): GoType<Shape<F>> => {
  const names = Object.keys(fields)
  const byLowerCase = new Map(Object.entries(fields).map(([name, type]) => [name.toLowerCase(), { name, type }]))
  const complete = (value: unknown): value is Shape<F> => isObject(value) && names.every((name) => name in value)
  // Of what is absent no type says where it stands: it is the same each time.
  const absent = Object.fromEntries(
    Object.entries(fields).map(([name, type]) => [name, Either.getOrThrow(type.decode(undefined, nowhere))])
  )
  const decode = (json: unknown, place: Place): Either.Either<Shape<F>, string> => {
    if (json !== null && json !== undefined && !isObject(json))
      return mismatch(json, place, place.path === "" ? place.struct : `api.${goName}`)
    const result: Record<string, unknown> = { ...absent }
    for (const [key, value] of Object.entries(json ?? {})) {
      const field = byLowerCase.get(key.toLowerCase())
      if (field === undefined || value === undefined) continue
      const path = place.path === "" ? field.name : `${place.path}.${field.name}`
      const decoded = field.type.decode(value, { struct: goName, path, refuse: place.refuse })
      if (Either.isLeft(decoded)) return Either.left(decoded.left)
      result[field.name] = decoded.right
    }
    return complete(result) ? Either.right(result) : Either.left(`json: ${goName} is incomplete`)
  }
  const zero = Either.getOrThrowWith(decode(null, nowhere), (reason) => new Error(reason))
  return { goName: `api.${goName}`, zero, decode }
}

const nowhere: Place = { struct: "", path: "", refuse: () => undefined }

/** Structs are held by pointer in lists and maps. */
const elementName = (type: GoType<unknown>): string =>
  type.goName.startsWith("api.") ? `*${type.goName}` : type.goName

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const isEmpty = (value: unknown): boolean =>
  value === null ||
  value === undefined ||
  value === 0 ||
  value === "" ||
  value === false ||
  (Array.isArray(value) ? value.length === 0 : typeof value === "object" && Object.values(value).every(isEmpty))

const mismatch = (value: unknown, place: Place, goName: string): Either.Either<never, string> =>
  Either.left(
    place.path === ""
      ? `json: cannot unmarshal ${kindOf(value)} into Go value of type ${goName}`
      : `json: cannot unmarshal ${kindOf(value)} into Go struct field ${place.struct}.${place.path} of type ${goName}`
  )

const kindOf = (value: unknown): string => {
  if (Array.isArray(value)) return "array"
  switch (typeof value) {
    case "boolean":
      return "bool"
    case "number":
      return Number.isInteger(value) ? "number" : `number ${value}`
    case "string":
      return "string"
    default:
      return "object"
  }
}
