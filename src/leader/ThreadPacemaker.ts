import { hrtime } from "node:process"
import { Worker } from "node:worker_threads"
import type { FileSystem } from "@effect/platform"
import { Clock, type ConfigError, Deferred, Effect, Layer, Option, Schema } from "effect"
import { authHeaders } from "../consul/Call.ts"
import * as ConsulConfig from "../consul/ConsulConfig.ts"
import type { TlsOptions } from "../http/Transport.ts"
import { checkOutput, Pacemaker, type PacePlan, patience, pulseEvery, retryEvery, wedgedAfter } from "./Pacemaker.ts"
import { pacemakerScript } from "./pacemakerScript.ts"
import type { End, Instant, Vitals } from "./Vitals.ts"

/** For the Consul that the environment names. */
export const layer: Layer.Layer<Pacemaker, ConfigError.ConfigError, FileSystem.FileSystem> = Layer.unwrapEffect(
  Effect.map(ConsulConfig.load, (config) => layerOf(config))
)

/**
 * In a thread of its own, so that a busy main thread doesn't cost the office. The thread watches the main one in turn:
 * if that shows no sign of life for `wedgedAfter`, it ends the session and stops, so that a wedged process doesn't lead
 * for ever. It talks to Consul over connections of its own.
 */
export const layerOf = (config: ConsulConfig.ConsulConfig): Layer.Layer<Pacemaker> =>
  Layer.succeed(Pacemaker, { now, start: (plan) => start(config, plan) })

/** The steady clock is the one that both threads can read. */
const now: Effect.Effect<Instant> = Effect.map(Clock.currentTimeMillis, (wall) => ({
  wall,
  steady: Number(hrtime.bigint() / 1_000_000n)
}))

/** Places in the shared memory. A moment takes two: wall clock, then steady clock. */
const cell = { main: 0, beat: 2, confirmed: 4, leading: 6, end: 7 } as const
const cellCount = 8

const ends = { proofGone: 1, keyLost: 2, wedged: 3, pacemakerGone: 4, lapsed: 5 } as const

const endOf = (code: number): Option.Option<End> => Option.fromNullable(endNames[code])
const endNames: ReadonlyArray<End | undefined> = [
  undefined,
  "ProofGone",
  "KeyLost",
  "Wedged",
  "PacemakerGone",
  "Lapsed"
]

const start = Effect.fnUntraced(function* (config: ConsulConfig.ConsulConfig, plan: PacePlan) {
  const cells = new BigInt64Array(new SharedArrayBuffer(cellCount * BigInt64Array.BYTES_PER_ELEMENT))
  const store = (at: number, { wall, steady }: Instant) =>
    Effect.sync(() => {
      Atomics.store(cells, at, BigInt(Math.floor(wall)))
      Atomics.store(cells, at + 1, BigInt(Math.floor(steady)))
    })
  const load = (at: number): Instant => ({
    wall: Number(Atomics.load(cells, at)),
    steady: Number(Atomics.load(cells, at + 1))
  })
  const showLife = Effect.flatMap(now, (moment) => store(cell.main, moment))

  yield* store(cell.beat, plan.since)
  yield* store(cell.confirmed, plan.since)
  yield* showLife
  yield* Effect.forkScoped(Effect.forever(Effect.zipRight(Effect.sleep(pulseEvery), showLife)))

  const ended = yield* Deferred.make<void>()
  let trouble = Option.none<string>()
  const hear = (message: unknown) => {
    if (isTrouble(message)) trouble = Option.some(message.trouble)
    else Deferred.unsafeDone(ended, Effect.void)
  }
  const gone = () => {
    Atomics.compareExchange(cells, cell.end, 0n, BigInt(ends.pacemakerGone))
    Deferred.unsafeDone(ended, Effect.void)
  }
  yield* Effect.acquireRelease(
    Effect.sync(() => {
      const worker = new Worker(pacemakerScript, {
        eval: true,
        workerData: threadPlan(config, plan, cells.buffer),
        // What the program was started with (loaders, inspectors) is nothing to the thread.
        execArgv: [],
        name: "pacemaker"
      })
      worker.on("message", hear)
      worker.on("error", (error) => {
        hear({ trouble: error.message })
        gone()
      })
      worker.on("exit", gone)
      // It must not keep a program alive that has nothing else to do.
      worker.unref()
      return worker
    }),
    (worker) =>
      Effect.promise(() => {
        worker.removeAllListeners("exit")
        return worker.terminate()
      })
  )

  return {
    vitals: Effect.sync((): Vitals => ({
      beat: load(cell.beat),
      confirmed: load(cell.confirmed),
      end: endOf(Number(Atomics.load(cells, cell.end)))
    })),
    ended: Deferred.await(ended),
    lead: (confirmed: Instant) =>
      Effect.zipRight(
        store(cell.confirmed, confirmed),
        Effect.sync(() => {
          Atomics.store(cells, cell.leading, 1n)
        })
      ),
    trouble: Effect.sync(() => trouble)
  }
})

const isTrouble = Schema.is(Schema.Struct({ trouble: Schema.String }))

interface ThreadRequest {
  readonly method: "GET" | "PUT"
  readonly path: string
  readonly body?: string
}

interface ThreadPlan extends Pick<PacePlan, "session" | "ttl" | "beatEvery" | "confirmEvery"> {
  readonly cells: ArrayBufferLike
  readonly cell: typeof cell
  readonly ends: typeof ends
  readonly origin: string
  readonly socketPath?: string
  readonly tls: TlsOptions
  readonly headers: Readonly<Record<string, string>>
  readonly beat: ThreadRequest
  readonly confirm: ThreadRequest
  /** Ends the session: its lock delay runs from then on. */
  readonly abandon: ThreadRequest
  /** The text of a 500 by which an agent says that it has no such check, as a regular expression. */
  readonly gone: string
  readonly patience: number
  readonly retryEvery: number
  readonly pulseEvery: number
  readonly wedgedAfter: number
}

const threadPlan = (
  config: ConsulConfig.ConsulConfig,
  { session, key, check, ttl, beatEvery, confirmEvery }: PacePlan,
  cells: ArrayBufferLike
): ThreadPlan => {
  const scope = new URLSearchParams()
  if (config.datacenter !== undefined) scope.set("dc", config.datacenter)
  if (config.namespace !== undefined) scope.set("ns", config.namespace)
  const at = (path: string, ...flags: ReadonlyArray<string>): string => {
    const query = [...flags, scope.toString()].filter((part) => part !== "").join("&")
    return query === "" ? path : `${path}?${query}`
  }
  const path = key.split("/").map(encodeURIComponent).join("/")
  return {
    session,
    ttl,
    beatEvery,
    confirmEvery,
    cells,
    cell,
    ends,
    origin: config.origin,
    ...(config.socketPath === undefined ? {} : { socketPath: config.socketPath }),
    tls: config.tls ?? {},
    headers: authHeaders(config),
    beat: Option.match(check, {
      onNone: (): ThreadRequest => ({ method: "PUT", path: at(`/v1/session/renew/${session}`) }),
      onSome: (id): ThreadRequest => ({
        method: "PUT",
        path: at(`/v1/agent/check/update/${encodeURIComponent(id)}`),
        body: JSON.stringify({ Status: "passing", Output: checkOutput })
      })
    }),
    confirm: { method: "GET", path: at(`/v1/kv/${path}`, "consistent") },
    abandon: { method: "PUT", path: at(`/v1/session/destroy/${session}`) },
    gone: "does not have associated TTL|^Unknown check",
    patience,
    retryEvery,
    pulseEvery,
    wedgedAfter
  }
}
