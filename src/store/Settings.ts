import { Duration, Either } from "effect"
import type { Policy } from "../domain/Policy.ts"
import type { AllowList } from "../http/AllowList.ts"
import { defaultSpecSettings, type SpecSettings } from "../jobspec/SpecSettings.ts"
import type { Knob } from "./Knob.ts"
import { knobs } from "./knobs.ts"
import type { Retention } from "./Retention.ts"

/** What an operator has set, as the parts of the product want it. */
export interface Settings {
  readonly policy: Omit<Policy, "installation">
  readonly spec: SpecSettings
  readonly retention: Retention
  /** Receivers of webhooks that may be where strangers' URLs may not lead. */
  readonly webhookAllow: AllowList
  readonly logLevel: "debug" | "info" | "warn" | "error"
  /** Empty: as the command likes. */
  readonly logFormat: "" | "json" | "logfmt"
  /** 1: log what comes and goes in JSON-RPC and MCP. */
  readonly mcpLogLevel: number
  readonly server: { readonly host: string; readonly port: number; readonly corsOrigins: ReadonlyArray<string> }
  readonly access: Access
  readonly observation: Observation
  readonly keyPrefix: string
  /** Where an earlier service kept its jobs; empty: nothing is looked for. */
  readonly legacyPrefix: string
}

/** Who may ask what, and how much of it. */
export interface Access {
  readonly mode: "off" | "token" | "consul"
  /** As they were written. */
  readonly tokens: string
  /** Empty: there is none. */
  readonly tokensFile: string
  /** Requests a second; 0: any number. */
  readonly rate: number
  readonly burst: number
  readonly waiters: number
  readonly waitersPerCaller: number
}

/** How the service shows its own state. */
export interface Observation {
  /** Port 0: not served. */
  readonly metrics: { readonly host: string; readonly port: number; readonly owners: number }
  readonly healthPort: number
  /** Milliseconds. */
  readonly watchdogPatience: number
  /** How the Nomad jobs of the steps are logged. */
  readonly jobSpecs: "none" | "json" | "hcl"
}

/** A value that can't be used. What was in force before, or the next source, stands in for it. */
export interface SettingFault {
  /** Where it was written: `environment BUILD_TIMEOUT`, `config/build_timeout`. */
  readonly source: string
  readonly message: string
}

export interface ReadSettings {
  readonly settings: Settings
  readonly faults: ReadonlyArray<SettingFault>
}

/** Texts by name: of environment variables, or of keys below `config/`. */
export type Texts = Readonly<Record<string, string | undefined>>

/** KV wins over the environment, which wins over the default; a text that can't be used is a fault and passed over. */
export const readSettings = (environment: Texts, kv: Texts): ReadSettings => {
  const faults: Array<SettingFault> = []
  const read = <A>(knob: Knob<A>): A => {
    const sources = [
      { source: `config/${knob.key}`, text: knob.key === undefined ? undefined : kv[knob.key] },
      { source: `environment ${knob.env}`, text: environment[knob.env] }
    ]
    for (const { source, text } of sources) {
      if (text === undefined) continue
      const parsed = knob.parse(text.trim())
      if (Either.isRight(parsed)) return parsed.right
      faults.push({ source, message: parsed.left })
    }
    return Either.getOrThrowWith(
      knob.parse(knob.fallback),
      (message) => new Error(`default of ${knob.env}: ${message}`)
    )
  }
  for (const key of Object.keys(kv)) {
    if (!knownKeys.has(key)) faults.push({ source: `config/${key}`, message: "there is no such setting" })
  }
  return { settings: assemble(read), faults }
}

const knownKeys: ReadonlySet<string> = new Set(
  Object.values(knobs).flatMap(({ key }) => (key === undefined ? [] : [key]))
)

type Read = <A>(knob: Knob<A>) => A

const assemble = (read: Read): Settings => {
  const policy = policyOf(read)
  // Read once: a fault is told once.
  return { policy, spec: { ...specOf(read), vaultPolicyRoles: policy.vaultPolicyRoles }, ...othersOf(read) }
}

const othersOf = (read: Read): Omit<Settings, "policy" | "spec"> => ({
  retention: retentionOf(read),
  webhookAllow: read(knobs.webhookAllow),
  logLevel: read(knobs.logLevel),
  logFormat: read(knobs.logFormat),
  mcpLogLevel: read(knobs.mcpLogLevel),
  server: { host: read(knobs.serverHost), port: read(knobs.serverPort), corsOrigins: read(knobs.corsOrigin) },
  access: accessOf(read),
  observation: observationOf(read),
  keyPrefix: read(knobs.keyPrefix),
  legacyPrefix: read(knobs.legacyPrefix)
})

const accessOf = (read: Read): Access => ({
  mode: read(knobs.authMode),
  tokens: read(knobs.authTokens),
  tokensFile: read(knobs.authTokensFile),
  rate: read(knobs.rateLimit),
  burst: read(knobs.rateBurst),
  waiters: read(knobs.maxWaiters),
  waitersPerCaller: read(knobs.maxWaitersPerCaller)
})

const observationOf = (read: Read): Observation => ({
  metrics: {
    host: read(knobs.metricsHost) || read(knobs.serverHost),
    port: read(knobs.monitoring) ? read(knobs.metricsPort) : 0,
    owners: read(knobs.metricsOwners)
  },
  healthPort: read(knobs.healthPort),
  watchdogPatience: read(knobs.watchdogPatience),
  jobSpecs: jobSpecsOf(read(knobs.logJobSpecs), read(knobs.logHclFormat))
})

const jobSpecsOf = (wanted: boolean, hcl: boolean): Observation["jobSpecs"] =>
  wanted ? (hcl ? "hcl" : "json") : "none"

const policyOf = (read: Read): Settings["policy"] => ({
  defaults: {
    buildTimeout: Duration.millis(read(knobs.buildTimeout)),
    testTimeout: Duration.millis(read(knobs.testTimeout)),
    limits: {
      build: { cpu: read(knobs.buildCpu), memory: read(knobs.buildMemory), disk: read(knobs.buildDisk) },
      test: { cpu: read(knobs.testCpu), memory: read(knobs.testMemory), disk: read(knobs.testDisk) },
      publish: { cpu: read(knobs.publishCpu), memory: read(knobs.publishMemory), disk: read(knobs.publishDisk) }
    }
  },
  publishTimeout: read(knobs.publishTimeout),
  queueTimeout: read(knobs.queueTimeout),
  unplacedGrace: read(knobs.unplacedGrace),
  startGrace: read(knobs.startGrace),
  stopGrace: read(knobs.killTimeout) + stopMargin,
  jobTimeout: read(knobs.jobTimeout),
  maxRunning: read(knobs.maxRunning),
  maxRunningPerOwner: read(knobs.maxRunningPerOwner),
  maxAttempts: read(knobs.maxAttempts),
  retryBackoff: read(knobs.retryBackoff),
  logsGrace,
  registryBase: read(knobs.registryUrl),
  temporaryPrefix: read(knobs.temporaryPrefix),
  vaultPaths: read(knobs.vaultPaths),
  vaultPolicyRoles: read(knobs.vaultPolicyRoles)
})

/** Milliseconds beyond its kill timeout in which a client tells that a task has ended. */
const stopMargin = 60_000

/** Milliseconds that unreachable logs hold a phase back: longer helps nobody, a node that is gone stays gone. */
const logsGrace = 60_000

const day = 86_400_000

const retentionOf = (read: Read): Retention => ({
  logBytes: read(knobs.logArchiveLimit) * 1024 * 1024,
  logAge: read(knobs.logRetention) * day,
  historyAge: read(knobs.historyRetention) * day,
  historyMax: read(knobs.historyMax)
})

const specOf = (read: Read): SpecSettings => ({
  ...withoutRole,
  region: read(knobs.region),
  namespace: read(knobs.namespace),
  datacenters: read(knobs.datacenters),
  images: { builder: read(knobs.builderImage), publisher: read(knobs.publisherImage) },
  storageDriver: read(knobs.storageDriver),
  fuse: read(knobs.fuse),
  cacheVolume: {
    ...defaultSpecSettings.cacheVolume,
    name: read(knobs.cacheVolume),
    limitMb: read(knobs.cacheLimit)
  },
  insecureRegistries: read(knobs.insecureRegistries),
  ...unlessEmpty(read(knobs.temporaryRegistryCredentials), (path) => ({ temporaryRegistryCredentialsPath: path })),
  sshHostKeys: read(knobs.sshHostKeys),
  vault: read(knobs.vault),
  ...unlessEmpty(read(knobs.vaultRole), (role) => ({ vaultRole: role })),
  vaultPolicies: read(knobs.vaultPolicies),
  vaultMount: read(knobs.vaultMount),
  killTimeout: read(knobs.killTimeout),
  logs: { maxFiles: read(knobs.dockerLogMaxFiles), maxFileSizeMb: read(knobs.logFileMegabytes) },
  dockerLogMaxSize: read(knobs.dockerLogMaxSize),
  gpuDevice: read(knobs.gpuDevice),
  seccomp: read(knobs.seccomp),
  apparmor: read(knobs.apparmor)
})

const { vaultRole: _role, ...withoutRole } = defaultSpecSettings

/** An empty text means that a thing is not set at all. */
const unlessEmpty = <A extends object>(text: string, make: (text: string) => A): A | {} =>
  text === "" ? {} : make(text)
