import type { HttpClient } from "@effect/platform"
import { Effect, Predicate, Schedule } from "effect"
import type { Cleaned, Done, Health, History, JobLog, Submitted } from "../api/Answers.ts"
import type { JobState } from "../api/JobState.ts"
import type { LogEvent } from "../api/LogEvent.ts"
import type { JobInput, LogFilters } from "../api/Requests.ts"
import type { Transition } from "../api/Transition.ts"
import type { Diagnosis } from "../diagnosis/Diagnosis.ts"
import type { JobStatus } from "../domain/Status.ts"
import { callsOf, type ConnectionOptions, httpClientOf } from "./callsOf.ts"
import { ServiceUnavailable } from "./ClientErrors.ts"
import { type DiscoverOptions, discoverService } from "./discoverService.ts"
import { errorOf } from "./errorOf.ts"
import { iterate, runCall } from "./runCall.ts"
import { streamJobLogs } from "./streamJobLogs.ts"
import { watchJob } from "./watchJob.ts"

export interface JobForgeOptions extends ConnectionOptions {
  /** Where the service is: `http://jobforge.example.com:8080`. */
  readonly baseUrl: string
  /** Milliseconds that one request may take; 30,000 when left out. */
  readonly timeout?: number
}

export interface CallOptions {
  /** Ends the call; it rejects with `CallAborted`. */
  readonly signal?: AbortSignal
  /** Milliseconds, for this call. */
  readonly timeout?: number
}

export interface HistoryQuery {
  readonly limit?: number
  readonly offset?: number
  readonly owner?: string
  readonly status?: JobStatus | ReadonlyArray<JobStatus>
}

/**
 * A Job Forge service, for programs in TypeScript and JavaScript. Every call rejects with one of the errors of
 * `JobForgeError`. A job is named by its id, or by its record's name.
 */
export class JobForge {
  readonly baseUrl: string
  private readonly options: JobForgeOptions
  private readonly api: ReturnType<typeof callsOf>
  private readonly http: HttpClient.HttpClient

  constructor(options: JobForgeOptions | string) {
    this.options = typeof options === "string" ? { baseUrl: options } : options
    this.baseUrl = this.options.baseUrl.replace(/\/+$/, "")
    this.http = httpClientOf(this.options)
    this.api = callsOf(this.http, this.baseUrl)
  }

  /** Finds a healthy instance in Consul's catalog. */
  static async discover(
    options: DiscoverOptions & Omit<JobForgeOptions, "baseUrl"> & Pick<CallOptions, "signal"> = {}
  ): Promise<JobForge> {
    const baseUrl = await runCall(discoverService(options), options.timeout ?? usualTimeout, options.signal)
    return new JobForge({ ...options, baseUrl })
  }

  /** With an idempotency key, a repeated call answers with the job that the first one made. */
  submitJob(job: JobInput, options: CallOptions & { readonly idempotencyKey?: string } = {}): Promise<Submitted> {
    const headers = { "idempotency-key": options.idempotencyKey }
    return this.run(this.api.submitJob({ payload: { job_config: job }, headers }), options)
  }

  getStatus(id: string, options: CallOptions = {}): Promise<JobState> {
    return this.run(this.api.getStatus({ payload: { job_id: id } }), options)
  }

  /** Lines of the job's output: untrusted. */
  getLogs(id: string, filters: LogFilters = {}, options: CallOptions = {}): Promise<JobLog> {
    return this.run(this.api.readLogs({ path: { id }, urlParams: filters }), options)
  }

  killJob(id: string, options: CallOptions = {}): Promise<Done> {
    return this.run(this.api.killJob({ payload: { job_id: id } }), options)
  }

  /** Builds an ended job's record once more. */
  retry(id: string, options: CallOptions = {}): Promise<Done> {
    return this.run(this.api.retryJob({ payload: { job_id: id } }), options)
  }

  /** Makes Nomad forget an ended job's steps. */
  purge(id: string, options: CallOptions = {}): Promise<Done> {
    return this.run(this.api.purgeFailedJob({ payload: { job_id: id } }), options)
  }

  cleanup(id: string, options: CallOptions = {}): Promise<Cleaned> {
    return this.run(this.api.cleanupByPath({ path: { id } }), options)
  }

  /** Ends at once what belongs to no job; the service does so by itself every minute. Takes up to 20 s. */
  cleanupZombies(options: CallOptions = {}): Promise<Cleaned> {
    return this.run(this.api.cleanupZombies(), options)
  }

  getHistory(query: HistoryQuery = {}, options: CallOptions = {}): Promise<History> {
    return this.run(this.api.getHistory({ payload: query }), options)
  }

  /** Why a job failed and what to do now. Its log lines come from the build: untrusted. */
  diagnosis(id: string, options: CallOptions = {}): Promise<Diagnosis> {
    return this.run(this.api.diagnosis({ path: { id } }), options)
  }

  /** Also when the service is unwell: then `status` says so. */
  health(options: CallOptions = {}): Promise<Health> {
    const health = Effect.catchAll(this.api.health({}), (failure) =>
      Predicate.hasProperty(failure, "services") ? Effect.succeed(failure) : Effect.fail(failure)
    )
    return this.run(health, options)
  }

  /** The status once its index is above this one, or as it is when the time is over. */
  waitForChange(
    id: string,
    index: number,
    options: CallOptions & { readonly within?: number } = {}
  ): Promise<JobState> {
    const within = Math.min(options.within ?? longestWait, longestWait)
    const urlParams = { wait: `${Math.ceil(within / 1000)}s`, index: String(index) }
    return this.run(this.api.readStatus({ path: { id }, urlParams }), options, within + waitMargin)
  }

  /**
   * The status once the job is over, or once `until` holds. Goes on through restarts of the service; `timeout` is for all
   * of it.
   */
  wait(id: string, options: CallOptions & { readonly until?: (state: JobState) => boolean } = {}): Promise<JobState> {
    const { until = () => false } = options
    const next = (index: number) =>
      this.api.readStatus({ path: { id }, urlParams: { wait: `${longestWait / 1000}s`, index: String(index) } }).pipe(
        Effect.timeoutFail({
          duration: longestWait + waitMargin,
          onTimeout: () => new ServiceUnavailable({ error: "no answer" })
        }),
        Effect.retry({ schedule: patience, while: (failure) => errorOf(failure)._tag === "ServiceUnavailable" })
      )
    const over = Effect.flatMap(next(0), (first) =>
      Effect.iterate(first, {
        while: (state) => state.status !== "SUCCEEDED" && state.status !== "FAILED" && !until(state),
        body: ({ index }) => next(index)
      })
    )
    return this.run(over, options, Number.POSITIVE_INFINITY)
  }

  /** A job's transitions, each once and in order, until it is over. Bridges broken connections by itself. */
  watch(id: string, options: Pick<CallOptions, "signal"> = {}): AsyncIterable<Transition> {
    return iterate(watchJob(this.http, this.baseUrl, id), options.signal)
  }

  /**
   * The job's log line by line, until it is over. Bridges broken connections by itself; `from` goes on behind the line
   * with that cursor. The lines are the job's own output: untrusted.
   */
  streamLogs(
    id: string,
    options: Pick<CallOptions, "signal"> & { readonly from?: string } = {}
  ): AsyncIterable<LogEvent> {
    return iterate(streamJobLogs(this.http, this.baseUrl, id, options.from), options.signal)
  }

  private run<A, E>(call: Effect.Effect<A, E>, options: CallOptions, timeout?: number): Promise<A> {
    return runCall(call, options.timeout ?? timeout ?? this.options.timeout ?? usualTimeout, options.signal)
  }
}

/** Milliseconds. */
const usualTimeout = 30_000

/** Milliseconds of one wait, below what Node's own fetch bears without an answer. */
const longestWait = 240_000
const waitMargin = 15_000

/** A service that is being replaced is back soon. */
const patience = Schedule.jittered(Schedule.exponential("200 millis")).pipe(
  Schedule.either(Schedule.spaced("5 seconds"))
)
