import { Array as Arr, Context, Data, Effect, Layer, Option } from "effect"
import { Consul } from "../consul/Consul.ts"
import type { ReadOptions } from "../consul/ReadOptions.ts"
import { maxTransactionBytes, transactionSize, TxnOp, TxnResult } from "../consul/Transaction.ts"
import type { Confidential } from "../domain/encodeRecord.ts"
import type { Slot } from "../domain/slots.ts"
import type { Status } from "../domain/Status.ts"
import { type ApiError, Denied } from "../http/ApiError.ts"
import type { Keys } from "./keys.ts"
import { type ReadEntry, readKeys } from "./readKeys.ts"
import { makeSharedReads, type Told } from "./sharedReads.ts"
import { SlotHolder } from "./SlotHolder.ts"
import { confidentialValue } from "./confidentialValue.ts"
import { isNewerStatus, statusValue } from "./statusValue.ts"

/** A status as the store holds it. */
export interface StoredStatus {
  readonly status: Status
  readonly modifyIndex: number
}

/** The record, the status or the office changed under a write; nothing was written. */
export class WriteConflict extends Data.TaggedError("WriteConflict")<{ readonly detail: string }> {
  override get message(): string {
    return `the status was not written: ${this.detail}`
  }
}

/** What must still be true for a status to be written. */
export interface WriteGuard {
  /** The record that was judged: its key and index, or the key that must not exist. */
  readonly record: { readonly key: string; readonly modifyIndex: Option.Option<number> }
  /** The index that the status was read at; 0: it didn't exist. */
  readonly modifyIndex: number
  readonly fence: Option.Option<TxnOp>
  /** Slots that this status takes, which must be free, and those that it gives back. */
  readonly taken: ReadonlyArray<Slot>
  readonly released: ReadonlyArray<Slot>
  /** Ids of the requests that it answers. */
  readonly handled: ReadonlyArray<string>
  /** What the receivers of its webhook are told of it: in the store as soon as the status is, so that no crash loses it. */
  readonly deliveries?: ReadonlyArray<OutboxEntry>
  /** What signs the deliveries of a run that begins, and the id that it is kept under. */
  readonly confidential?: { readonly id: string; readonly value: Confidential }
}

/** A message as the outbox gets it. */
export interface OutboxEntry {
  /** Its key's part behind the record's name. */
  readonly id: string
  /** The whole, then ever shorter ones for a transaction that has no room for it. */
  readonly forms: Arr.NonEmptyReadonlyArray<Uint8Array>
}

/** Statuses below `status/`: written by the leader alone, read by anybody. */
export class Statuses extends Context.Tag("jobforge/store/Statuses")<
  Statuses,
  {
    /**
     * None also for bytes that are no status: the run's children have names that follow from the record, so it can be made
     * anew, unless it is a newer version's.
     */
    readonly get: (name: string, options?: ReadOptions) => Effect.Effect<StatusRead, ApiError>
    /** As `get`, and as new: for those who are many and ask at the same time, who share what it costs. */
    readonly latest: (name: string) => Effect.Effect<StatusRead, ApiError>
    /** As `latest`, with this process's own token, without a fiber. */
    readonly tell: (name: string, then: Told<StatusRead>) => void
    readonly list: Effect.Effect<ReadonlyArray<StoredStatus>, ApiError>
    /** Hands each over, some at a time and as fast as `take` is: all of them may be more than should lie in memory. */
    readonly each: (take: (stored: StoredStatus) => Effect.Effect<void>) => Effect.Effect<void, ApiError>
    /** One transaction with everything that the guard names. Answers with the new index. */
    readonly write: (status: Status, guard: WriteGuard) => Effect.Effect<number, ApiError | WriteConflict>
    /** Frees slots that no run holds: left behind by a hand that deleted a status, never by a crash. */
    readonly freeSlots: (slots: ReadonlyArray<Slot>, fence: Option.Option<TxnOp>) => Effect.Effect<void, ApiError>
  }
>() {
  static readonly layer = (keys: Keys): Layer.Layer<Statuses, never, Consul> => Layer.scoped(Statuses, make(keys))
}

export interface StatusRead {
  readonly status: Option.Option<Status>
  /** 0: the key doesn't exist. */
  readonly modifyIndex: number
  /** There is one, and only a newer version can go on with it. */
  readonly newer?: true
}

const unchanged = (key: string, index: number): TxnOp =>
  index === 0 ? TxnOp.CheckNotExists({ key }) : TxnOp.CheckIndex({ key, index })

const make = Effect.fnUntraced(function* (keys: Keys) {
  const consul = yield* Consul

  const read = ({ modifyIndex, value }: ReadEntry): StatusRead => {
    const status = statusValue.decode(value)
    return Option.isNone(status) && isNewerStatus(value)
      ? { status, modifyIndex, newer: true }
      : { status, modifyIndex }
  }

  const stored = (entry: ReadEntry): Option.Option<StoredStatus> => {
    const { modifyIndex, status } = read(entry)
    return Option.map(status, (found) => ({ status: found, modifyIndex }))
  }

  const absent = (): StatusRead => ({ status: Option.none(), modifyIndex: 0 })

  const readStatus = (name: string, options?: ReadOptions, make: (entry: ReadEntry) => StatusRead = read) =>
    Effect.map(consul.get(keys.status(name), options), Option.match({ onNone: absent, onSome: make }))

  /** What the shared reads remember was made of. */
  const texts = new WeakMap<StatusRead, Uint8Array>()

  /** By its text: a Consul that was restored may have counted to the same index with another one. */
  const says = (known: StatusRead, { modifyIndex, value }: ReadEntry): boolean => {
    const text = texts.get(known)
    return known.modifyIndex === modifyIndex && text !== undefined && Buffer.compare(text, value) === 0
  }

  const readShared = (name: string, known?: StatusRead) =>
    readStatus(name, undefined, (entry) => {
      if (known !== undefined && says(known, entry)) return known
      const made = read(entry)
      texts.set(made, entry.value)
      return made
    })

  /** The status that the slot names is asked, not what this process remembers: a holder that it hasn't heard of is one. */
  const freeSlot = Effect.fnUntraced(function* (slot: Slot, fence: Option.Option<TxnOp>) {
    const key = keys.slot(slot)
    const held = yield* consul.get(key, { consistent: true })
    if (Option.isNone(held)) return
    const holder = SlotHolder.decode(held.value.value)
    const { modifyIndex, newer, status } = yield* Option.match(holder, {
      onNone: () => Effect.succeed<StatusRead>({ status: Option.none(), modifyIndex: 0 }),
      onSome: ({ name }) => readStatus(name, { consistent: true })
    })
    if (newer === true || Option.exists(status, ({ slots }) => slots.includes(slot))) return
    yield* consul.transaction([
      ...Option.toArray(fence),
      ...Option.match(holder, {
        onNone: () => [],
        onSome: ({ name }) => [unchanged(keys.status(name), modifyIndex)]
      }),
      TxnOp.DeleteCas({ key, index: held.value.modifyIndex })
    ])
  })

  const shared = yield* makeSharedReads(consul, { keyOf: keys.status, read: readShared })

  return Statuses.of({
    ...shared,
    get: (name, options) => readStatus(name, options),
    list: Effect.map(consul.list(keys.statuses), ({ value }) => Arr.filterMap(value, stored)),
    each: (take) =>
      Effect.flatMap(consul.keys(keys.statuses), ({ value }) =>
        readKeys(consul, value, (entry) => Option.match(stored(entry), { onNone: () => Effect.void, onSome: take }))
      ),
    freeSlots: (slots, fence) => Effect.forEach(slots, (slot) => freeSlot(slot, fence), { discard: true }),
    write: (status, guard) =>
      Effect.flatMap(consul.transaction(fitting(keys, status, guard)), (result) => committed(keys, status, result))
  })
})

/** With the longest messages that fit: a status that can't be written for the sake of a message would stop its job. */
const fitting = (keys: Keys, status: Status, guard: WriteGuard): ReadonlyArray<TxnOp> => {
  const rest = operations(keys, status, guard)
  const { deliveries = [] } = guard
  if (deliveries.length === 0) return rest
  const most = Math.max(...deliveries.map(({ forms }) => forms.length))
  let all = rest
  for (let form = 0; form < most; form++) {
    all = [...rest, ...deliveries.map((entry) => outboxWrite(keys, status, entry, form))]
    if (transactionSize(all) <= maxTransactionBytes) break
  }
  return all
}

const outboxWrite = (keys: Keys, { name }: Status, { forms, id }: OutboxEntry, form: number): TxnOp =>
  TxnOp.Set({ key: keys.delivery(name, id), value: forms[Math.min(form, forms.length - 1)] ?? forms[0] })

const operations = (keys: Keys, status: Status, guard: WriteGuard): ReadonlyArray<TxnOp> => [
  ...Option.toArray(guard.fence),
  unchanged(
    guard.record.key,
    Option.getOrElse(guard.record.modifyIndex, () => 0)
  ),
  TxnOp.Cas({ key: keys.status(status.name), value: statusValue.encode(status), index: guard.modifyIndex }),
  ...guard.released.map((slot) => TxnOp.Delete({ key: keys.slot(slot) })),
  ...guard.taken.map((slot) =>
    TxnOp.Cas({
      key: keys.slot(slot),
      value: SlotHolder.encode({ name: status.name, job_id: status.job_id ?? "" }),
      index: 0
    })
  ),
  // One that is gone was answered already, by an earlier leader: what it asked for must not be done twice.
  ...guard.handled.flatMap((id) => [TxnOp.Get({ key: keys.request(id) }), TxnOp.Delete({ key: keys.request(id) })]),
  ...(guard.confidential === undefined
    ? []
    : [
        TxnOp.Set({
          key: keys.confidential(guard.confidential.id),
          value: confidentialValue.encode(guard.confidential.value)
        })
      ])
]

const committed = (keys: Keys, status: Status, result: TxnResult): Effect.Effect<number, WriteConflict | Denied> => {
  if (TxnResult.$is("Committed")(result)) {
    const key = keys.status(status.name)
    const written = result.results.find((entry) => entry.key === key)
    return Effect.succeed(written?.modifyIndex ?? 0)
  }
  const detail = result.errors.map(({ what }) => what).join("; ")
  return result.errors.some(({ kind }) => kind === "denied")
    ? Effect.fail(new Denied({ system: "consul", operation: `write of the status of ${status.name}`, detail }))
    : Effect.fail(new WriteConflict({ detail }))
}
