import { createHash, randomUUID } from "node:crypto"
import { Clock, Context, Data, Effect, Exit, Layer, Option } from "effect"
import { Consul } from "../consul/Consul.ts"
import { type TxnError, TxnOp, TxnResult } from "../consul/Transaction.ts"
import type { AskedRecord } from "../domain/decodeRecord.ts"
import { encodeRecord, withoutConfidential } from "../domain/encodeRecord.ts"
import type { Slot } from "../domain/slots.ts"
import type { JobRequest } from "../domain/Snapshot.ts"
import { type ApiError, Denied, Unavailable } from "../http/ApiError.ts"
import type { Keys } from "./keys.ts"
import { SlotHolder } from "./SlotHolder.ts"
import { makeSharedWrites } from "./sharedWrites.ts"
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
    /**
     * As `submit` without options, for a caller without a token of its own and without a fiber: it calls back once with the
     * job's id, and answers with what takes it back if it hasn't begun. Undefined: the record is not all that has to be
     * written, or looked for, and `submit` is to do it.
     */
    readonly tell: (
      asked: AskedRecord,
      then: (made: Exit.Exit<string, ApiError>) => Effect.Effect<void>
    ) => (() => void) | undefined
    /** Asks the leader for one act on one run. Answers with the request's id. */
    readonly request: (verb: JobRequest["verb"], jobId: string) => Effect.Effect<string, ApiError>
  }
>() {
  static readonly layer = (keys: Keys): Layer.Layer<Submissions, never, Consul> => Layer.scoped(Submissions, make(keys))
}

const make = Effect.fnUntraced(function* (keys: Keys) {
  const consul = yield* Consul
  const shared = yield* makeSharedWrites(consul)

  /** As a transaction of its own would, at a fraction of what that costs here and in Consul. */
  const putAlone = ({ key, value }: { readonly key: string; readonly value: string }) =>
    Effect.map(shared.create(key, value), (isWritten) =>
      isWritten ? TxnResult.Committed({ results: [] }) : TxnResult.RolledBack({ errors: [existsAlready(key)] })
    )

  const tell: Submissions["Type"]["tell"] = (asked, then) => {
    const { confidential, job } = withoutConfidential(asked.job)
    if (confidential !== undefined || asked.onConflict === "reject") return undefined
    const jobId = randomUUID()
    const key = `${keys.jobs}${jobId}`
    return shared.tell(key, encodeRecord({ ...asked, job }), (written) =>
      then(
        Exit.flatMap(written, (isWritten) =>
          isWritten ? Exit.succeed(jobId) : Exit.fail(notMade([existsAlready(key)]))
        )
      )
    )
  }

  const submit = Effect.fnUntraced(function* (
    asked: AskedRecord,
    { submitKey, wanted }: SubmitOptions
  ): Effect.fn.Return<Submitted, ApiError | SlotTaken | SubmitKeyReused> {
    const jobId = yield* Effect.sync(() => randomUUID())
    const { confidential, job } = withoutConfidential(asked.job)
    const text = encodeRecord({ ...asked, job })
    const use = Option.map(submitKey, (key) => ({
      key: keys.submitKey(digest(`${asked.job.owner}\n${key}`)),
      fingerprint: digest(encodeRecord(asked))
    }))
    const at = yield* Clock.currentTimeMillis
    const repeated = yield* Option.match(use, { onNone: () => Effect.succeedNone, onSome: earlierUse })
    if (Option.isSome(repeated)) return repeated.value
    const record = { key: `${keys.jobs}${jobId}`, value: text, index: 0 }
    const others = [
      ...Option.toArray(
        Option.map(use, ({ fingerprint, key }) =>
          TxnOp.Cas({ key, value: SubmitKey.encode({ job_id: jobId, fingerprint, at }), index: 0 })
        )
      ),
      ...wanted.map((slot) => TxnOp.CheckNotExists({ key: keys.slot(slot) })),
      ...(confidential === undefined
        ? []
        : [TxnOp.Cas({ key: keys.confidential(jobId), value: confidentialValue.encode(confidential), index: 0 })])
    ]
    const result = yield* others.length === 0 ? putAlone(record) : consul.transaction([...others, TxnOp.Cas(record)])
    if (TxnResult.$is("Committed")(result)) return { jobId, repeated: false }
    const denied = result.errors.find(({ kind }) => kind === "denied")
    if (denied !== undefined)
      return yield* new Denied({ system: "consul", operation: "submission", detail: denied.what })
    // Two with the same key at once: the other one was first.
    const other = yield* Option.match(use, { onNone: () => Effect.succeedNone, onSome: earlierUse })
    if (Option.isSome(other)) return other.value
    const holder = yield* firstHolder(wanted)
    if (Option.isSome(holder)) return yield* new SlotTaken({ holder: holder.value })
    return yield* notMade(result.errors)
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

  return Submissions.of({ submit, tell, request })
})

const existsAlready = (key: string): TxnError => ({ opIndex: 0, what: `${key} exists already`, kind: "exists" })

const notMade = (errors: ReadonlyArray<TxnError>): Unavailable =>
  new Unavailable({
    system: "consul",
    operation: "submission",
    detail: `${errors.map(({ what }) => what).join("; ")}; nothing was written, submit again`
  })

const digest = (text: string): string => createHash("sha256").update(text).digest("hex")
