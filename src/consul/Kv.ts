import { Array as Arr, Effect, Either, Option, Predicate, Schema } from "effect"
import { type ApiError, Invalid } from "../http/ApiError.ts"
import type { HttpRequest, HttpResponse } from "../http/Transport.ts"
import { about, type Call, type CallRequest, decodeBody, indexOf } from "./Call.ts"
import type { Consul, Indexed, KvEntry } from "./Consul.ts"
import type { ReadOptions } from "./ReadOptions.ts"
import { bytesOf, fromBase64 } from "./Value.ts"
import { blockingTimeout, type Position, watch } from "./Watch.ts"

/** Bytes of one value: `kv_max_value_size`'s default. */
export const maxValueBytes = 512 * 1024

type KvCalls = Pick<
  Consul["Type"],
  | "get"
  | "list"
  | "keys"
  | "put"
  | "putCas"
  | "delete"
  | "deleteTree"
  | "deleteCas"
  | "acquire"
  | "release"
  | "watchKeys"
  | "watchList"
  | "watchKey"
>

export const makeKv = (call: Call): KvCalls => {
  const read = <A>(reading: Reading<A>, position?: Position): Effect.Effect<Indexed<A>, ApiError> =>
    Effect.flatMap(kvPath(reading.operation, reading.key, reading.prefix), (path) => {
      const request: CallRequest = {
        operation: `${reading.operation} ${reading.key}`,
        method: "GET",
        path,
        query: {
          ...reading.query,
          ...(position === undefined ? {} : { index: position.index, wait: `${position.waitSeconds}s` })
        },
        accept: [404],
        ...(position === undefined ? {} : { timeout: blockingTimeout(position) })
      }
      return Effect.flatMap(call(request), (response) =>
        Either.flatMap(indexOf(request, response), (index) =>
          response.status === 404
            ? Either.right({ index, value: reading.missing })
            : Either.map(reading.decode(request)(response), (value) => ({ index, value }))
        )
      )
    })

  const reader =
    <A>(reading: Reading<A>) =>
    (position: Position) =>
      read(reading, position)

  const change = (operation: string, key: string, method: HttpRequest["method"], extra: Change) =>
    Effect.gen(function* () {
      const path = yield* kvPath(operation, key, false)
      const request: CallRequest = { operation: `${operation} ${key}`, method, path, ...extra }
      if ((request.body?.length ?? 0) > maxValueBytes) {
        return yield* new Invalid({ ...about(request), detail: `the value has more than ${maxValueBytes} bytes` })
      }
      return yield* Effect.flatMap(call(request), decodeBoolean(request))
    })

  return {
    get: (key, options) => Effect.map(read(oneKey(key, options)), ({ value }) => value),
    list: (prefix, options) => read(wholePrefix(prefix, options)),
    keys: (prefix, separator) => read(names(prefix, separator)),
    put: (key, value) => Effect.asVoid(change("kv.put", key, "PUT", { body: bytesOf(value) })),
    putCas: (key, value, index) => change("kv.put", key, "PUT", { body: bytesOf(value), query: { cas: index } }),
    delete: (key) => Effect.asVoid(change("kv.delete", key, "DELETE", {})),
    deleteTree: (prefix) => Effect.asVoid(change("kv.delete", prefix, "DELETE", { query: { recurse: true } })),
    deleteCas: (key, index) => change("kv.delete", key, "DELETE", { query: { cas: index } }),
    acquire: (key, value, session) =>
      change("kv.acquire", key, "PUT", { body: bytesOf(value), query: { acquire: session } }),
    release: (key, session, value = "") =>
      change("kv.release", key, "PUT", { body: bytesOf(value), query: { release: session } }),
    watchKeys: (prefix) =>
      watch({ what: `keys ${prefix}`, read: reader(names(prefix)), isAbsent: Arr.isEmptyReadonlyArray }),
    watchList: (prefix) =>
      watch({ what: `list ${prefix}`, read: reader(wholePrefix(prefix)), isAbsent: Arr.isEmptyReadonlyArray }),
    watchKey: (key) => watch({ what: `key ${key}`, read: reader(oneKey(key)), isAbsent: Option.isNone })
  }
}

/** One kind of reading: where, how, and what its absence means. */
interface Reading<A> {
  readonly operation: string
  readonly key: string
  /** Whether the key is a prefix, and so may be empty. */
  readonly prefix: boolean
  readonly query: NonNullable<HttpRequest["query"]>
  readonly missing: A
  readonly decode: (request: CallRequest) => (response: HttpResponse) => Either.Either<A, Invalid>
}

type Change = Pick<CallRequest, "body" | "query">

const consistency = (options: ReadOptions | undefined) => ({
  consistent: options?.consistent === true ? (true as const) : undefined
})

const oneKey = (key: string, options?: ReadOptions): Reading<Option.Option<KvEntry>> => ({
  operation: "kv.get",
  key,
  prefix: false,
  query: consistency(options),
  missing: Option.none(),
  decode: (request) => (response) =>
    Either.map(decodeEntries(request)(response), ([entry]) => Option.map(Option.fromNullable(entry), toEntry))
})

const wholePrefix = (prefix: string, options?: ReadOptions): Reading<ReadonlyArray<KvEntry>> => ({
  operation: "kv.list",
  key: prefix,
  prefix: true,
  query: { recurse: true, ...consistency(options) },
  missing: [],
  decode: (request) => (response) => Either.map(decodeEntries(request)(response), (entries) => entries.map(toEntry))
})

const names = (prefix: string, separator?: string): Reading<ReadonlyArray<string>> => ({
  operation: "kv.keys",
  key: prefix,
  prefix: true,
  query: { keys: true, separator },
  missing: [],
  decode: decodeNames
})

/**
 * Consul cleans paths by a redirect, so that `a//b` would be read and written as `a/b`: such keys are refused here.
 * An empty prefix is the whole store; nothing writes or deletes that.
 */
const kvPath = (operation: string, key: string, empty: boolean): Either.Either<string, Invalid> => {
  const refuse = (detail: string) =>
    Either.left(new Invalid({ system: "consul", operation: `${operation} ${key}`, detail }))
  if (key === "") return empty ? Either.right("/v1/kv/") : refuse("a key can't be empty")
  const segments = key.split("/")
  if (segments.slice(0, -1).includes("")) return refuse('a key can\'t start with "/" or have "//" in it')
  if (segments.includes("..") || segments.includes(".")) return refuse('a key can\'t have "." or ".." as a segment')
  if (/\p{Surrogate}/u.test(key)) return refuse("a key must be well-formed Unicode")
  return Either.right(`/v1/kv/${segments.map(encodeURIComponent).join("/")}`)
}

const Entry = Schema.Struct({
  Key: Schema.String,
  Value: Schema.NullOr(Schema.String),
  Flags: Schema.Number,
  CreateIndex: Schema.Number,
  ModifyIndex: Schema.Number,
  LockIndex: Schema.Number,
  Session: Schema.optional(Schema.String)
})

const toEntry = (entry: typeof Entry.Type): KvEntry => ({
  key: entry.Key,
  value: fromBase64(entry.Value ?? ""),
  createIndex: entry.CreateIndex,
  modifyIndex: entry.ModifyIndex,
  lockIndex: entry.LockIndex,
  flags: entry.Flags,
  ...(entry.Session === undefined ? {} : { session: entry.Session })
})

const decodeEntries = decodeBody(Schema.Array(Entry))

/** Looked at as a whole: a watch on names brings thousands of them for each that is new. */
const Names = Schema.declare(
  (value: unknown): value is ReadonlyArray<string> => Array.isArray(value) && value.every(Predicate.isString),
  { identifier: "Names" }
)
const decodeNames = decodeBody(Names)
const decodeBoolean = decodeBody(Schema.Boolean)
