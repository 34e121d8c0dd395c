import { type Option, Schema } from "effect"

/** How values of one kind lie in the store. */
export interface StoredJson<A> {
  readonly encode: (value: A) => string
  /** None for bytes that are no such value. */
  readonly decode: (bytes: Uint8Array) => Option.Option<A>
}

export const storedJson = <A, I>(schema: Schema.Schema<A, I>): StoredJson<A> => {
  const Json = Schema.parseJson(schema)
  const decode = Schema.decodeUnknownOption(Json)
  return { encode: Schema.encodeSync(Json), decode: (bytes) => decode(new TextDecoder().decode(bytes)) }
}
