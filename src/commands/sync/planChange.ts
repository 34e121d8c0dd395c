import { Option } from "effect"
import type { KvEntry } from "../../consul/Consul.ts"
import { TxnOp } from "../../consul/Transaction.ts"
import { type Manager, Mark, sha256 } from "./Mark.ts"

/** A record as a file says it. */
export interface RecordFile {
  /** With the prefix. */
  readonly name: string
  /** As the caller would find it. */
  readonly file: string
  readonly bytes: Uint8Array
}

/** What Consul holds for one name. */
export interface Held {
  readonly name: string
  /** Under the key that a folder writes: the bare name. */
  readonly record: Option.Option<KvEntry>
  readonly mark: Option.Option<KvEntry>
  /** Other keys that spell the name, `web.yaml` for instance: other tools write those. */
  readonly aliases: ReadonlyArray<string>
}

export type Outcome =
  | "created"
  | "updated"
  /** Somebody changed or deleted it since it was written from here. */
  | "restored"
  | "adopted"
  | "deleted"
  | "unchanged"
  /** Has no file any more, and pruning wasn't asked for. */
  | "left"
  /** Has no file any more, but somebody else wrote it since: not ours to delete. */
  | "kept"
  | "refused"
  /** Somebody else's, and of no concern. */
  | "foreign"

export interface Change {
  readonly name: string
  readonly outcome: Outcome
  readonly file: string | undefined
  readonly before: Uint8Array | undefined
  readonly after: Uint8Array | undefined
  /** One transaction, guarded by the indexes of what was judged. Empty: nothing to write. */
  readonly ops: ReadonlyArray<TxnOp>
  readonly why: string | undefined
}

export interface PlanOptions extends Manager {
  readonly prune: boolean
  readonly adopt: boolean
  readonly keys: { readonly jobs: string; readonly managed: string }
}

/** What makes one name's record equal to its file, or to having none. Looks at nothing but the two states. */
export const planChange = (options: PlanOptions, held: Held, file: RecordFile | undefined): Change =>
  file === undefined ? withoutFile(options, held) : withFile(options, held, file)

const withFile = (options: PlanOptions, held: Held, file: RecordFile): Change => {
  const change = changeOf(held, file)
  const record = Option.getOrUndefined(held.record)
  const write = writing(options, held, file)
  const holder = holderOf(options, held)
  if (holder._tag === "other" && !options.adopt) return change("refused", [], holder.why)
  if (record === undefined) {
    const [alias] = held.aliases
    if (alias !== undefined) return change("refused", [], aliasHolds(alias))
    return change(holder._tag === "ours" ? "restored" : "created", write)
  }
  if (holder._tag === "nobody" && !options.adopt) return change("refused", [], unmanaged)
  if (holder._tag !== "ours") return change("adopted", write)
  const current = sha256(record.value)
  if (current === sha256(file.bytes)) return change("unchanged", holder.mark.sha256 === current ? [] : write)
  return change(holder.mark.sha256 === current ? "updated" : "restored", write)
}

const unmanaged =
  "a record of this name is there already, and not from here; --adopt takes it over, or rename or delete one of the two"

const aliasHolds = (key: string): string =>
  `the key ${key} has this name already; delete it, or take the file out of the folder`

const withoutFile = (options: PlanOptions, held: Held): Change => {
  const change = changeOf(held, undefined)
  const mark = Option.getOrUndefined(held.mark)
  const holder = holderOf(options, held)
  const written = Option.flatMap(held.mark, ({ value }) => Mark.decode(value))
  if (mark === undefined || Option.isNone(written) || !isOurs(options, written.value)) return change("foreign", [])
  if (!options.prune) return change(holder._tag === "ours" && Option.isSome(held.record) ? "left" : "foreign", [])
  const forget = TxnOp.DeleteCas({ key: mark.key, index: mark.modifyIndex })
  if (Option.isNone(held.record)) {
    return change("foreign", [TxnOp.CheckNotExists({ key: `${options.keys.jobs}${held.name}` }), forget])
  }
  const { key, modifyIndex: index, value } = held.record.value
  if (holder._tag !== "ours") return change("kept", [forget], "somebody else deleted it and wrote it anew")
  if (holder.mark.sha256 !== sha256(value)) {
    return change("kept", [], "somebody else changed it since; delete it by hand, or put its file back")
  }
  return change("deleted", [TxnOp.DeleteCas({ key, index }), forget])
}

type Holder =
  | { readonly _tag: "ours"; readonly mark: Mark }
  | { readonly _tag: "other"; readonly why: string }
  | { readonly _tag: "nobody" }

/** A record that is younger than its mark was deleted and written anew, not from here: the mark speaks of another one. */
const holderOf = (options: Manager, { mark, record }: Held): Holder => {
  if (Option.isNone(mark)) return { _tag: "nobody" }
  if (Option.exists(record, ({ createIndex }) => createIndex > mark.value.modifyIndex)) return { _tag: "nobody" }
  const written = Option.getOrUndefined(Mark.decode(mark.value.value))
  if (written === undefined) return { _tag: "other", why: `the key ${mark.value.key} doesn't say who manages it` }
  if (isOurs(options, written)) return { _tag: "ours", mark: written }
  const under = written.prefix === "" ? "" : ` under the prefix ${written.prefix}`
  return { _tag: "other", why: `it is managed by ${written.manager}${under}; --adopt takes it over` }
}

const isOurs = (options: Manager, mark: Mark): boolean =>
  mark.manager === options.manager && mark.prefix === options.prefix

/**
 * Record and mark in one transaction: a process that dies leaves both or neither. A mark that says the same already is
 * deleted first: Consul passes over a write that changes nothing, and the mark would stay older than a record that is
 * created here anew, and so speak of another one.
 */
const writing = (options: PlanOptions, held: Held, { bytes, name }: RecordFile): ReadonlyArray<TxnOp> => {
  const { manager, prefix } = options
  const value = Mark.encode({ manager, prefix, sha256: sha256(bytes) })
  const key = `${options.keys.managed}${name}`
  const index = indexOf(held.mark)
  const same = Option.exists(held.mark, (mark) => Buffer.from(mark.value).equals(Buffer.from(value)))
  return [
    TxnOp.Cas({ key: `${options.keys.jobs}${name}`, value: bytes, index: indexOf(held.record) }),
    ...(same
      ? [TxnOp.DeleteCas({ key, index }), TxnOp.Cas({ key, value, index: 0 })]
      : [TxnOp.Cas({ key, value, index })])
  ]
}

/** 0 writes only what doesn't exist yet. */
const indexOf = Option.match({ onNone: () => 0, onSome: ({ modifyIndex }: KvEntry) => modifyIndex })

const changeOf =
  (held: Held, file: RecordFile | undefined) =>
  (outcome: Outcome, ops: ReadonlyArray<TxnOp>, why?: string): Change => ({
    name: held.name,
    outcome,
    file: file?.file,
    before: Option.getOrUndefined(held.record)?.value,
    after: file?.bytes,
    ops,
    why
  })
