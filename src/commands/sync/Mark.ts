import { createHash } from "node:crypto"
import { Schema } from "effect"
import { storedJson } from "../../store/storedJson.ts"

/** Whose a record is. Folders that fill different prefixes don't own each other's records, whatever they are called. */
export interface Manager {
  readonly manager: string
  /** Empty, or ends with `/`. */
  readonly prefix: string
}

const Fields = Schema.Struct({
  manager: Schema.String,
  prefix: Schema.String,
  /** Of the record's bytes as they were written: other bytes are somebody else's. */
  sha256: Schema.String
})

/**
 * What lies beside a record that a folder keeps: who manages it.
 *
 * A key of its own, so that the record stays byte for byte the file, comments included. Neither a label, which would be
 * written into it, nor the key's flags, which any `consul kv put` sets to 0.
 */
export type Mark = typeof Fields.Type
export const Mark = storedJson(Fields)

export const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex")
