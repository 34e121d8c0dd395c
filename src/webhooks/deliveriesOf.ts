import { type Array as Arr, Effect, Option } from "effect"
import { Consul } from "../consul/Consul.ts"
import type { BuildJob } from "../domain/BuildJob.ts"
import { deliveryId } from "../domain/childIds.ts"
import { finalTags } from "../domain/ImageReference.ts"
import { jobMetrics } from "../domain/jobMetrics.ts"
import type { JobPhase, JobStatus, Status } from "../domain/Status.ts"
import { isWebhookWanted, type WebhookEvent, webhookEvents } from "../domain/webhookEvents.ts"
import type { ApiError } from "../http/ApiError.ts"
import type { Keys } from "../store/keys.ts"
import type { LogArchive } from "../store/LogArchive.ts"
import type { OutboxEntry } from "../store/Statuses.ts"
import { encodeDelivery, maxBodyBytes, outboxId } from "./Delivery.ts"
import { readRunLogs, type RunLogs } from "./webhookLogs.ts"
import { encodePayload, type WebhookPayload } from "./WebhookPayload.ts"

/** What one write does to a record's status. */
export interface Transition {
  readonly before: Option.Option<Status>
  /** How the former run ended, if nobody will ever read that in a status. */
  readonly ended: Option.Option<Status>
  readonly after: Status
  /** Under which name the write itself puts what the new run's deliveries are signed with. */
  readonly confidential: Option.Option<string>
}

/** What the receivers are to be told of a transition, in order: to be written with the status that says it. */
export const deliveriesOf = (
  keys: Keys,
  { after, before, confidential, ended }: Transition
): Effect.Effect<ReadonlyArray<OutboxEntry>, ApiError, Consul | LogArchive> => {
  const statuses = [...Option.toArray(before), ...Option.toArray(ended), after]
  const steps = Option.isNone(before) ? [after] : statuses.slice(1)
  const former = Option.isNone(before) ? [undefined] : statuses
  const wanted = steps.flatMap((status, at) => wantedOf(former[at], status))
  // Most records have no webhook.
  if (wanted.length === 0) return nothingTold
  const entries = Effect.forEach(wanted, (each) =>
    entriesOf(keys, each, each.status === after ? confidential : Option.none())
  )
  return Effect.map(entries, (each) => each.flat())
}

const nothingTold: Effect.Effect<ReadonlyArray<OutboxEntry>> = Effect.succeed([])

/** What one status has brought that its receiver asked for: at least one event. */
interface Wanted {
  readonly config: BuildJob
  readonly url: string
  readonly jobId: string
  readonly status: Status
  readonly events: ReadonlyArray<WebhookEvent>
}

const wantedOf = (before: Status | undefined, status: Status): ReadonlyArray<Wanted> => {
  const { config, job_id: jobId } = status
  const url = config?.webhook_url
  if (config === undefined || url === undefined || jobId === undefined) return []
  const events = webhookEvents(before, status).filter((event) => isWebhookWanted(config, event))
  return events.length === 0 ? [] : [{ config, url, jobId, status, events }]
}

const entriesOf = Effect.fnUntraced(function* (
  keys: Keys,
  { config, events, jobId, status, url }: Wanted,
  written: Option.Option<string>
) {
  const confidential = Option.isSome(written) ? written : yield* confidentialOf(keys, status.name, jobId)
  const logs = events.some(isLast) ? yield* readRunLogs(status) : nothingRead
  return events.map((event): OutboxEntry => {
    const id = deliveryId(jobId, event)
    const envelope = {
      url,
      event,
      delivery_id: id,
      job_id: jobId,
      ...Option.match(confidential, { onNone: () => ({}), onSome: (name) => ({ confidential: name }) }),
      written_at: status.updated_at,
      attempts: 0,
      due_at: status.updated_at
    }
    const forms = bodiesOf({ config, event, id, jobId, logs, status })
    return {
      id: outboxId(status.generation, event, id),
      forms: [
        encodeDelivery({ envelope, body: forms[0] }),
        ...forms.slice(1).map((body) => encodeDelivery({ envelope, body }))
      ]
    }
  })
})

const nothingRead: RunLogs = {
  within: () => ({ logs: { build: [], test: [], publish: [] }, truncated: false })
}

/** A run of a record in KV has its own; one that came over HTTP has its record's, which later runs have too. */
const confidentialOf = Effect.fnUntraced(function* (keys: Keys, name: string, jobId: string) {
  const consul = yield* Consul
  for (const id of new Set([jobId, name])) {
    if (Option.isSome(yield* consul.get(keys.confidential(id)))) return Option.some(id)
  }
  return Option.none<string>()
})

const isLast = (event: WebhookEvent): boolean => event === "job.completed" || event === "job.failed"

interface Telling {
  readonly event: WebhookEvent
  readonly id: string
  readonly jobId: string
  readonly config: BuildJob
  readonly status: Status
  readonly logs: RunLogs
}

/** The whole message first; then ever shorter ones, for a transaction that has no room for more. */
const bodiesOf = (telling: Telling): Arr.NonEmptyReadonlyArray<Uint8Array> => {
  const plain = payloadOf(telling)
  // What can be looked up with the job's id, and can be a large part of a message without logs.
  const bare = { ...plain, image_tags: [], images: [] }
  if (!isLast(telling.event)) return [bytesOf(plain), bytesOf(bare)]
  const withLogs = (payload: WebhookPayload, bytes: number) => {
    const { logs, truncated } = telling.logs.within(bytes)
    return bytesOf({ ...payload, logs, logs_truncated: truncated })
  }
  const whole = maxBodyBytes - bytesOf({ ...plain, logs: noLines, logs_truncated: false }).length
  return [withLogs(plain, whole), withLogs(plain, Math.min(whole, fewBytes)), withLogs(plain, 0), withLogs(bare, 0)]
}

const fewBytes = 8 * 1024

const noLines = { build: [], test: [], publish: [] }

const bytesOf = (payload: WebhookPayload): Uint8Array => new TextEncoder().encode(encodePayload(payload))

const payloadOf = ({ config, event, id, jobId, status }: Telling): WebhookPayload => {
  const metrics = jobMetrics(status)
  const phase = phaseOf(event) ?? status.failed_phase
  const bad = event.endsWith(".failed")
  return {
    event,
    delivery_id: id,
    job_id: jobId,
    status: statusAt(event),
    timestamp: new Date(status.updated_at).toISOString(),
    ...(isLast(event) ? { duration: metrics.total_duration } : {}),
    owner: config.owner,
    repo_url: config.repo_url,
    git_ref: config.git_ref ?? "main",
    image_name: config.image_name,
    image_tags: finalTags(jobId, config),
    ...(phase === undefined ? {} : { phase }),
    ...(bad && status.error !== undefined ? { error: status.error } : {}),
    ...(bad && status.reason !== undefined ? { reason: status.reason } : {}),
    ...(status.digest === undefined ? {} : { digest: status.digest }),
    images: status.images,
    metrics
  }
}

const phaseOf = (event: WebhookEvent): JobPhase | undefined => {
  const [phase] = event.split(".")
  return phase === "build" || phase === "test" || phase === "publish" ? phase : undefined
}

const underWay = { build: "BUILDING", test: "TESTING", publish: "PUBLISHING" } as const

/** Several events can come with one status: each tells the job as it was at that point, so that none is ahead of the others. */
const statusAt = (event: WebhookEvent): JobStatus => {
  if (event.endsWith(".failed")) return "FAILED"
  const phase = phaseOf(event)
  return phase === undefined ? "SUCCEEDED" : underWay[phase]
}
