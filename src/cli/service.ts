import { hostname } from "node:os"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { Duration, Effect, Layer, Option, Schedule } from "effect"
import type { Consul } from "../consul/Consul.ts"
import { runController, type Term } from "../controller/Controller.ts"
import { GuardedHttp } from "../http/GuardedHttp.ts"
import * as ConsulLock from "../leader/ConsulLock.ts"
import type { Pacemaker } from "../leader/Pacemaker.ts"
import { Exposition } from "../metrics/Exposition.ts"
import { makeWatchdog, Watchdog } from "../metrics/Watchdog.ts"
import type { Nomad } from "../nomad/Nomad.ts"
import { Authentication } from "../server/Authentication.ts"
import { Diagnoses } from "../server/Diagnoses.ts"
import { httpApp, httpShortcut } from "../server/httpApp.ts"
import { JobLogs } from "../server/JobLogs.ts"
import { Jobs } from "../server/Jobs.ts"
import { Limits } from "../server/Limits.ts"
import { metricsRoutes } from "../server/metricsRoutes.ts"
import { observeReplica } from "../server/observeReplica.ts"
import { probes } from "../server/probes.ts"
import { redactedLogs } from "../server/redactedLogs.ts"
import { installationId } from "../store/Installation.ts"
import { Collections } from "../store/Collections.ts"
import { JobFinder } from "../store/JobFinder.ts"
import { type Keys, keysBelow } from "../store/keys.ts"
import { LiveSettings } from "../store/LiveSettings.ts"
import { JobArchive } from "../store/JobArchive.ts"
import { LogArchive } from "../store/LogArchive.ts"
import { LogRetention } from "../store/LogRetention.ts"
import { Records } from "../store/Records.ts"
import { Requests } from "../store/Requests.ts"
import { Redaction } from "../store/Redaction.ts"
import { readSettings, type Settings, type Texts } from "../store/Settings.ts"
import { Statuses } from "../store/Statuses.ts"
import { StatusWatch } from "../store/StatusWatch.ts"
import { Submissions } from "../store/Submissions.ts"
import { Vault } from "../vault/Vault.ts"
import * as VaultHttp from "../vault/VaultHttp.ts"
import { webhookDuty } from "../webhooks/webhookDuty.ts"
import { type CannotListen, listen } from "./listen.ts"
import { secretsIn } from "./ownSecrets.ts"

export interface ServiceOptions {
  /** What the environment says; `config/` in KV wins over it while the service runs. */
  readonly environment: Texts
  /** Called with each change of the settings. */
  readonly onSettings: (settings: Settings) => void
  /** A new id for an installation that has none yet. */
  readonly freshId: string
  /** What it was given in confidence itself. */
  readonly secrets?: ReadonlyArray<string>
  /** Called once the service answers. */
  readonly onServing: () => void
  /** That the port of the metrics is taken is no reason not to run. */
  readonly lenient?: boolean
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
  const vault = yield* vaultOrNone
  const redaction = Redaction.layer(keys, options.secrets ?? secretsIn(options.environment)).pipe(
    Layer.provide(Layer.merge(stores, vault))
  )
  const desk = Jobs.layer.pipe(
    Layer.provideMerge(JobFinder.layer(keys)),
    Layer.provideMerge(Layer.mergeAll(Collections.layer(keys), StatusWatch.layer(keys), Submissions.layer(keys))),
    Layer.provide(vault),
    Layer.provideMerge(stores)
  )
  const answering = Layer.mergeAll(
    Diagnoses.layer,
    JobLogs.layer.pipe(Layer.provide(redactedLogs), Layer.provide(redaction)),
    Limits.layer,
    Authentication.layer.pipe(Layer.provide(NodeFileSystem.layer))
  ).pipe(Layer.provideMerge(desk))
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
    return yield* runController({
      installation,
      keys,
      legacyPrefix: settings.legacyPrefix,
      duty: yield* webhooksOf(keys)
    })
  })
  const work = Effect.zipRight(
    observeReplica,
    Effect.all([serve(settings, options.onServing), controller], { concurrency: 2, discard: true })
  )
  // Not a race: that would close the stores and the lock before what works with them when it is interrupted.
  const service = Effect.scoped(work).pipe(
    Effect.provide(Layer.mergeAll(answering, lock, redaction, watchdog.pipe(Layer.provide(stores))))
  )
  const { metrics } = settings.observation
  if (metrics.port === 0) yield* service
  else {
    yield* Effect.scoped(Effect.zipRight(serveMetrics(metrics, options.lenient === true), service)).pipe(
      Effect.provide(Exposition.layer({ owners: metrics.owners, process: true }))
    )
  }
  return yield* Effect.never
})

/** A service that is given none does without. */
const vaultOrNone = Effect.map(
  Effect.serviceOption(Vault),
  Option.match({ onNone: () => VaultHttp.disabled, onSome: (vault) => Layer.succeed(Vault, vault) })
)

/** Without a Vault only what refers to one can't be sent. */
const webhooksOf = Effect.fnUntraced(function* (keys: Keys) {
  const systems = yield* Effect.context<Consul | JobArchive | LiveSettings>()
  const needs = Layer.mergeAll(Layer.succeedContext(systems), GuardedHttp.layer, yield* vaultOrNone)
  return (term: Term) => Effect.provide(webhookDuty(keys, term), needs)
})

const watchdog = Layer.effect(
  Watchdog,
  Effect.map(LiveSettings, ({ current }) =>
    makeWatchdog(Effect.map(current, ({ observation }) => observation.watchdogPatience))
  )
)

const serve = Effect.fnUntraced(function* ({ observation, server }: Settings, onServing: () => void) {
  const { host, port } = server
  yield* listen(httpApp(server), { host, port, setting: "SERVER_PORT, or --port with dev" }, httpShortcut(server))
  const { healthPort } = observation
  if (healthPort !== 0) yield* listen(probes, { host, port: healthPort, setting: "HEALTH_PORT" })
  yield* Effect.logInfo("serving").pipe(Effect.annotateLogs({ host, port }))
  yield* Effect.sync(onServing)
  return yield* Effect.never
}, Effect.scoped)

const serveMetrics = ({ host, port }: Settings["observation"]["metrics"], lenient: boolean) =>
  listen(metricsRoutes, { host, port, setting: "METRICS_PORT; 0 for none" }).pipe(
    Effect.zipRight(Effect.annotateLogs(Effect.logInfo("serving metrics"), { host, port })),
    Effect.catchIf(
      () => lenient,
      (error) => Effect.logWarning("metrics are not served", error.message)
    )
  )

/** What others can reach it by: a wildcard is the address of nobody. */
const addressOf = ({ server }: Settings): string => {
  const host = server.host === "0.0.0.0" || server.host === "::" ? hostname() : server.host
  return `${host.includes(":") ? `[${host}]` : host}:${server.port}`
}
