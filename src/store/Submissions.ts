import { createHash, randomUUID } from "node:crypto"
import { Clock, Context, Data, Effect, Layer, Option } from "effect"
import { Consul } from "../consul/Consul.ts"
import { TxnOp, TxnResult } from "../consul/Transaction.ts"
import type { AskedRecord } from "../domain/decodeRecord.ts"
import { encodeRecord, withoutConfidential } from "../domain/encodeRecord.ts"
import type { Slot } from "../domain/slots.ts"
import type { JobRequest } from "../domain/Snapshot.ts"
import { type ApiError, Denied, Unavailable } from "../http/ApiError.ts"
import type { Keys } from "./keys.ts"
import { SlotHolder } from "./SlotHolder.ts"
import { SubmitKey } from "./SubmitKey.ts"
import { requestValue } from "./requestValue.ts"
import { confidentialValue } from "./confidentialValue.ts"

/** Another run holds what the record wants, and the record says not to wait for it. Nothing was written. */
export class SlotTaken extends Data.TaggedError("SlotTaken")<{ readonly holder: SlotHolder }> {
  override get message(): string {
    return `job ${this.holder.job_id} holds the image; wait for it, or submit with on_conflict: queue or supersede`
  }
}

/** The submit key was used before, for a job that says something else. Nothing was written. */
export class SubmitKeyReused extends Data.TaggedError("SubmitKeyReused")<{ readonly jobId: string }> {
  override get message(): string {
    return `the Idempotency-Key made job ${this.jobId} from another configuration; use a new key for a new job`
  }
}

export interface Submitted {
  readonly jobId: string
  /** The same key had made it before. */
  readonly repeated: boolean
}

export interface SubmitOptions {
  /** Makes repeated submissions one, for a day. Keys of different owners don't meet. */
  readonly submitKey: Option.Option<string>
  /** Slots that must be free: those of a record that says `on_conflict: reject`. */
  readonly wanted: ReadonlyArray<Slot>
}

/** What clients write: records and requests. They never write what the leader does. */
export class Submissions extends Context.Tag("jobforge/store/Submissions")<
  Submissions,
  {
    /** The record is in the store when this answers; its key is the job's id. */
    readonly submit: (
      record: AskedRecord,
      options: SubmitOptions
    ) => Effect.Effect<Submitted, ApiError | SlotTaken | SubmitKeyReused>
    /** Asks the leader for one act on one run. Answers with the request's id. */
    readonly request: (verb: JobRequest["verb"], jobId: string) => Effect.Effect<string, ApiError>
  }
>() {
  static readonly layer = (keys: Keys): Layer.Layer<Submissions, never, Consul> => Layer.effect(Submissions, make(keys))
}

const make = Effect.fnUntraced(function* (keys: Keys) {
  const consul = yield* Consul

  const submit = Effect.fnUntraced(function* (
    record: AskedRecord,
    { submitKey, wanted }: SubmitOptions
  ): Effect.fn.Return<Submitted, ApiError | SlotTaken | SubmitKeyReused> {
    const jobId = yield* Effect.sync(() => randomUUID())
    const { confidential, job } = withoutConfidential(record.job)
    const text = encodeRecord({ ...record, job })
    const use = Option.map(submitKey, (key) => ({
      key: keys.submitKey(digest(`${record.job.owner}\n${key}`)),
      fingerprint: digest(encodeRecord(record))
    }))
    const at = yield* Clock.currentTimeMillis
    const repeated = yield* Option.match(use, { onNone: () => Effect.succeedNone, onSome: earlierUse })
    if (Option.isSome(repeated)) return repeated.value
    const result = yield* consul.transaction([
      ...Option.toArray(
        Option.map(use, ({ fingerprint, key }) =>
          TxnOp.Cas({ key, value: SubmitKey.encode({ job_id: jobId, fingerprint, at }), index: 0 })
        )
      ),
      ...wanted.map((slot) => TxnOp.CheckNotExists({ key: keys.slot(slot) })),
      ...(confidential === undefined
        ? []
        : [TxnOp.Cas({ key: keys.confidential(jobId), value: confidentialValue.encode(confidential), index: 0 })]),
      TxnOp.Cas({ key: `${keys.jobs}${jobId}`, value: text, index: 0 })
    ])
    if (TxnResult.$is("Committed")(result)) return { jobId, repeated: false }
    const denied = result.errors.find(({ kind }) => kind === "denied")
    if (denied !== undefined)
      return yield* new Denied({ system: "consul", operation: "submission", detail: denied.what })
    // Two with the same key at once: the other one was first.
    const other = yield* Option.match(use, { onNone: () => Effect.succeedNone, onSome: earlierUse })
    if (Option.isSome(other)) return other.value
    const holder = yield* firstHolder(wanted)
    if (Option.isSome(holder)) return yield* new SlotTaken({ holder: holder.value })
    return yield* new Unavailable({
      system: "consul",
      operation: "submission",
      detail: `${result.errors.map(({ what }) => what).join("; ")}; nothing was written, submit again`
    })
  })

  const earlierUse = Effect.fnUntraced(function* (use: {
    readonly key: string
    readonly fingerprint: string
  }): Effect.fn.Return<Option.Option<Submitted>, ApiError | SubmitKeyReused> {
    const entry = yield* consul.get(use.key, { consistent: true })
    const known = Option.flatMap(entry, ({ value }) => SubmitKey.decode(value))
    if (Option.isNone(known)) return Option.none()
    const { fingerprint, job_id: jobId } = known.value
    if (fingerprint !== use.fingerprint) return yield* new SubmitKeyReused({ jobId })
    return Option.some({ jobId, repeated: true })
  })

  const firstHolder = Effect.fnUntraced(function* (slots: ReadonlyArray<Slot>) {
    for (const slot of slots) {
      const entry = yield* consul.get(keys.slot(slot), { consistent: true })
      const holder = Option.flatMap(entry, ({ value }) => SlotHolder.decode(value))
      if (Option.isSome(holder)) return holder
    }
    return Option.none<SlotHolder>()
  })

  const request = Effect.fn("Submissions.request")(function* (verb: JobRequest["verb"], jobId: string) {
    const id = yield* Effect.sync(() => randomUUID())
    yield* consul.put(keys.request(id), requestValue.encode({ verb, job_id: jobId }))
    return id
  })

  return Submissions.of({ submit, request })
})

const digest = (text: string): string => createHash("sha256").update(text).digest("hex")
