import { createServer } from "node:http"
import { hostname } from "node:os"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { HttpServer } from "@effect/platform"
import type { ServeError } from "@effect/platform/HttpServerError"
import { Data, Duration, Effect, Layer, Schedule } from "effect"
import type { Consul } from "../consul/Consul.ts"
import { runController } from "../controller/Controller.ts"
import * as ConsulLock from "../leader/ConsulLock.ts"
import type { Pacemaker } from "../leader/Pacemaker.ts"
import type { Nomad } from "../nomad/Nomad.ts"
import { Jobs } from "../server/Jobs.ts"
import { probes } from "../server/probes.ts"
import { installationId } from "../store/Installation.ts"
import { JobFinder } from "../store/JobFinder.ts"
import { keysBelow } from "../store/keys.ts"
import { LiveSettings } from "../store/LiveSettings.ts"
import { JobArchive } from "../store/JobArchive.ts"
import { LogArchive } from "../store/LogArchive.ts"
import { LogRetention } from "../store/LogRetention.ts"
import { Records } from "../store/Records.ts"
import { Requests } from "../store/Requests.ts"
import { readSettings, type Settings, type Texts } from "../store/Settings.ts"
import { Statuses } from "../store/Statuses.ts"
import { StatusWatch } from "../store/StatusWatch.ts"
import { Submissions } from "../store/Submissions.ts"

export interface ServiceOptions {
  /** What the environment says; `config/` in KV wins over it while the service runs. */
  readonly environment: Texts
  /** Called with each change of the settings. */
  readonly onSettings: (settings: Settings) => void
  /** A new id for an installation that has none yet. */
  readonly freshId: string
  /** Called once the service answers. */
  readonly onServing: () => void
}

/** The service can't listen. */
export class CannotListen extends Data.TaggedError("CannotListen")<{
  readonly host: string
  readonly port: number
  readonly detail: string
}> {
  override get message(): string {
    return `the service cannot listen on ${this.host}:${this.port}: ${this.detail}; choose another port (SERVER_PORT, or --port with dev)`
  }
}

/** The controller and its HTTP interface, over whatever Consul and Nomad it is given. Ends with its fiber only. */
export const runService = Effect.fn("runService")(function* (
  options: ServiceOptions
): Effect.fn.Return<never, CannotListen, Consul | Nomad | Pacemaker> {
  const { settings } = readSettings(options.environment, {})
  const keys = keysBelow(settings.keyPrefix)
  const stores = Layer.mergeAll(
    LiveSettings.layer(keys, options.environment, options.onSettings),
    Records.layer(keys),
    Requests.layer(keys),
    Statuses.layer(keys),
    LogArchive.layer(keys),
    LogRetention.layer(keys),
    JobArchive.layer(keys)
  )
  const desk = Jobs.layer.pipe(
    Layer.provideMerge(JobFinder.layer(keys)),
    Layer.provideMerge(Layer.merge(StatusWatch.layer(keys), Submissions.layer(keys))),
    Layer.provideMerge(stores)
  )
  // Every replica serves and keeps its stores warm; only the controller's work waits for the office.
  const lock = ConsulLock.layer({ key: keys.leader, address: addressOf(settings) })
  const controller = Effect.gen(function* () {
    // Consul may come up after the service: that is no reason to give up.
    const installation = yield* installationId(keys, options.freshId).pipe(
      Effect.tapError((error) => Effect.logWarning("Consul is not ready", error)),
      Effect.retry(Schedule.jittered(Schedule.spaced(Duration.seconds(2)))),
      // The schedule has no end, so neither has the error a way out.
      Effect.orDie
    )
    return yield* runController({ installation, keys })
  })
  // Not a race: that would close the stores and the lock before what works with them when it is interrupted.
  yield* Effect.all([serve(settings, options.onServing), controller], { concurrency: 2, discard: true }).pipe(
    Effect.provide(Layer.merge(desk, lock))
  )
  return yield* Effect.never
})

const serve = Effect.fnUntraced(function* ({ server }: Settings, onServing: () => void) {
  const listening = NodeHttpServer.layer(() => createServer(), { host: server.host, port: server.port })
  yield* Layer.build(HttpServer.serve(probes).pipe(Layer.provide(listening))).pipe(
    Effect.mapError((error: ServeError) => new CannotListen({ ...server, detail: reasonOf(error.cause) }))
  )
  yield* Effect.logInfo("serving").pipe(Effect.annotateLogs({ host: server.host, port: server.port }))
  yield* Effect.sync(onServing)
  return yield* Effect.never
}, Effect.scoped)

/** What others can reach it by: a wildcard is the address of nobody. */
const addressOf = ({ server }: Settings): string => {
  const host = server.host === "0.0.0.0" || server.host === "::" ? hostname() : server.host
  return `${host.includes(":") ? `[${host}]` : host}:${server.port}`
}

const reasonOf = (cause: unknown): string =>
  cause instanceof Error && "code" in cause && cause.code === "EADDRINUSE"
    ? "the port is taken"
    : cause instanceof Error
      ? cause.message
      : String(cause)
