import { Context, Effect, Layer, Option, Stream, SubscriptionRef } from "effect"
import type { Attempt, Outcome, Status } from "../../src/domain/Status.ts"
import { NotFound, Unavailable } from "../../src/http/ApiError.ts"
import { type LogFrame, type LogOptions, Nomad } from "../../src/nomad/Nomad.ts"
import { makeRedactor, type Redactor } from "../../src/redaction/Redactor.ts"
import { JobLogs } from "../../src/server/JobLogs.ts"
import { LiveLogFilter } from "../../src/server/LiveLogFilter.ts"
import { boundLog, type BoundedLog } from "../../src/store/BoundedLog.ts"
import { type FoundJob, JobFinder } from "../../src/store/JobFinder.ts"
import { LogArchive, type LogStream } from "../../src/store/LogArchive.ts"
import { StatusWatch } from "../../src/store/StatusWatch.ts"

/** A task's output in files as Nomad keeps it: full ones are followed by others, and the oldest go. */
export class NomadLog {
  private files: Array<{ readonly number: number; bytes: Buffer }> = [{ number: 0, bytes: Buffer.alloc(0) }]
  private readonly fileBytes: number
  private readonly mostFiles: number

  constructor(fileBytes = Number.POSITIVE_INFINITY, mostFiles = 10) {
    this.fileBytes = fileBytes
    this.mostFiles = mostFiles
  }

  append(bytes: Uint8Array): void {
    let rest = Buffer.from(bytes)
    while (rest.length > 0) {
      const last = this.files.at(-1)
      if (last === undefined) throw new Error("no file")
      const taken = rest.subarray(0, this.fileBytes - last.bytes.length)
      last.bytes = Buffer.concat([last.bytes, taken])
      rest = rest.subarray(taken.length)
      if (rest.length === 0) return
      this.files.push({ number: last.number + 1, bytes: Buffer.alloc(0) })
      this.files = this.files.slice(-this.mostFiles)
    }
  }

  kept(): Buffer {
    return Buffer.concat(this.files.map(({ bytes }) => bytes))
  }

  /** The file with this byte in it, counted from the oldest file, and the byte's place there. */
  place(offset: number): { readonly number: number; readonly at: number } {
    let left = offset
    for (const { bytes, number } of this.files) {
      if (left < bytes.length) return { number, at: left }
      left -= bytes.length
    }
    const last = this.files.at(-1)
    return { number: last?.number ?? 0, at: last?.bytes.length ?? 0 }
  }

  /** What follows a place: a frame, and the place behind it. */
  next(
    { at, number }: { readonly number: number; readonly at: number },
    most: number
  ): { readonly frame: Pick<LogFrame, "data">; readonly number: number; readonly at: number } | undefined {
    const file = this.files.find((one) => one.number >= number)
    if (file === undefined) return undefined
    const start = file.number === number ? at : 0
    const data = file.bytes.subarray(start, start + most)
    if (data.length > 0) return { frame: { data }, number: file.number, at: start + data.length }
    const later = this.files.find((one) => one.number > file.number)
    return later === undefined ? undefined : this.next({ number: later.number, at: 0 }, most)
  }
}

/** What a job's logs come from, all in this process, and as a test says. */
export class LogWorld {
  readonly logs = new Map<string, NomadLog>()
  readonly archived = new Map<string, BoundedLog>()
  /** Bytes of a frame of Nomad's. */
  frameBytes = 64 * 1024
  /** A followed log breaks off after so many frames. */
  breaksAfter = Number.POSITIVE_INFINITY
  /** Bytes that were asked of Nomad. */
  read = 0
  /** Followers of one stream of one allocation that are connected now. */
  following = 0
  /** What takes secrets out of everything, live and archived. */
  redactor: Redactor = makeRedactor([])
  readonly status: SubscriptionRef.SubscriptionRef<Status>
  index = 1
  /** The job was deleted. */
  isGone = false

  constructor(status: SubscriptionRef.SubscriptionRef<Status>) {
    this.status = status
  }

  log(allocationId: string, stream: LogStream): NomadLog {
    const key = `${allocationId} ${stream}`
    const log = this.logs.get(key) ?? new NomadLog()
    this.logs.set(key, log)
    return log
  }

  write(allocationId: string, stream: LogStream, text: string | Uint8Array): void {
    this.log(allocationId, stream).append(typeof text === "string" ? Buffer.from(text) : text)
  }

  set(change: (status: Status) => Status): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.index += 1
      return SubscriptionRef.update(this.status, change)
    })
  }

  /** Brings an attempt's logs to the archive and gives it its end, as the leader does. */
  end(nomadJobId: string, more: Partial<Outcome> = {}): Effect.Effect<void> {
    return this.set((status) => ({
      ...status,
      attempts: status.attempts.map((attempt) => {
        if (attempt.nomad_job_id !== nomadJobId || attempt.allocation_id === undefined) return attempt
        const kept = (["stdout", "stderr"] as const).map((stream) => {
          const log = boundLog(this.redactor.bytes(this.log(attempt.allocation_id ?? "", stream).kept()))
          if (log.bytes > 0) this.archived.set(`${nomadJobId} ${stream}`, log)
          return log
        })
        const outcome: Outcome = {
          result: "succeeded",
          logs: "archived",
          log_bytes: kept.reduce((sum, { bytes }) => sum + bytes, 0),
          log_truncated: kept.some(({ truncated }) => truncated),
          at: 2000
        }
        return { ...attempt, finished_at: 2000, outcome: Object.assign(outcome, more) }
      })
    }))
  }

  found(archived = false): Effect.Effect<FoundJob> {
    return Effect.map(this.status.get, (status) => ({ status, index: archived ? 0 : this.index, archived }))
  }

  get layer(): Layer.Layer<JobLogs> {
    return JobLogs.layer.pipe(
      Layer.provide(
        Layer.mergeAll(
          Layer.mock(Nomad, {
            logs: (id, _task, stream, options) => this.readLog(id, stream, options),
            followLogs: (id, _task, stream, offset) => this.followLog(id, stream, offset)
          }),
          Layer.mock(LogArchive, {
            find: (_name, id, stream) => Effect.sync(() => Option.fromNullable(this.archived.get(`${id} ${stream}`))),
            read: (_name, id, stream) =>
              Effect.sync(() => this.archived.get(`${id} ${stream}`)?.kept ?? new Uint8Array())
          }),
          Layer.mock(StatusWatch, {
            tellNewer: () => () => {},
            follow: () =>
              this.isGone
                ? Stream.make({ status: Option.none(), modifyIndex: 0 })
                : Stream.map(this.status.changes, (status) => ({
                    status: Option.some(status),
                    modifyIndex: this.index
                  }))
          }),
          Layer.succeed(LiveLogFilter, { of: () => Effect.sync(() => this.redactor.stream) }),
          Layer.mock(JobFinder, {
            tell: (_name, then) => then(Option.none()),
            find: () => (this.isGone ? Effect.succeedNone : Effect.map(this.found(), Option.some))
          })
        )
      )
    )
  }

  private readLog(id: string, stream: LogStream, options: LogOptions = {}) {
    return Effect.suspend(() => {
      const log = this.logs.get(`${id} ${stream}`)
      if (log === undefined) return Effect.fail(new NotFound({ system: "nomad", operation: "logs", detail: id }))
      const kept = log.kept()
      const { limit = Number.POSITIVE_INFINITY, offset = 0, origin = "start" } = options
      const start = origin === "start" ? offset : Math.max(0, kept.length - offset)
      const bytes = kept.subarray(start, start + limit)
      this.read += bytes.length
      return Effect.succeed<Uint8Array>(bytes)
    })
  }

  private followLog(id: string, stream: LogStream, offset: number): Stream.Stream<LogFrame, Unavailable> {
    const broken = new Unavailable({ system: "nomad", operation: "logs.follow", detail: "cut off" })
    return Stream.unwrapScoped(
      Effect.gen(this, function* () {
        const log = this.logs.get(`${id} ${stream}`)
        if (log === undefined) return Stream.fail(broken)
        yield* Effect.acquireRelease(
          Effect.sync(() => (this.following += 1)),
          () => Effect.sync(() => (this.following -= 1))
        )
        let place = log.place(offset)
        let frames = 0
        const next: Effect.Effect<LogFrame, Unavailable> = Effect.suspend(() => {
          if (frames >= this.breaksAfter) return Effect.fail(broken)
          const found = log.next(place, this.frameBytes)
          if (found === undefined) return Effect.delay(next, "2 millis")
          frames += 1
          place = found
          this.read += found.frame.data.length
          return Effect.succeed({
            data: found.frame.data,
            nextOffset: 0,
            file: `alloc/logs/main.${stream}.${found.number}`
          })
        })
        return Stream.repeatEffect(next)
      })
    )
  }
}

export const jobId = "6f1c2f9e-1111-4222-8333-444455556666"

export const attemptOf = (nomadJobId: string, more: Partial<Attempt> = {}): Attempt => ({
  nomad_job_id: nomadJobId,
  phase: "build",
  attempt: 1,
  intended_at: 1000,
  seen: true,
  allocation_id: `alloc${nomadJobId}`,
  ...more
})

export const statusOf = (attempts: ReadonlyArray<Attempt>, more: Partial<Status> = {}): Status => ({
  name: "app",
  generation: 1,
  hash: "",
  job_id: jobId,
  status: "BUILDING",
  images: [],
  times: {},
  slots: [],
  attempts,
  conditions: [],
  events: [],
  updated_at: 1000,
  ...more
})

/** A world with these attempts under way. */
export const logWorld = (attempts: ReadonlyArray<Attempt>) =>
  Effect.map(SubscriptionRef.make(statusOf(attempts)), (status) => new LogWorld(status))

export const jobLogs = (world: LogWorld) =>
  Effect.map(Layer.build(world.layer), (context) => Context.get(context, JobLogs))
