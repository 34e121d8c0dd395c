import { Option } from "effect"

/** Where everything of one installation lies in Consul's KV. */
export interface Keys {
  /** Ends with `/`. */
  readonly jobs: string
  readonly statuses: string
  readonly config: string
  readonly requests: string
  readonly leader: string
  readonly installation: string
  readonly status: (name: string) => string
  readonly slot: (slot: string) => string
  readonly request: (id: string) => string
  readonly logs: string
  /** One piece of one stream of one attempt's log. */
  readonly logPiece: (name: string, nomadJobId: string, stream: string, piece: number) => string
  readonly logsOf: (name: string, nomadJobId: string, stream: string) => string
  /** One small key for each stream of each archived log: what they weigh together is known without reading them. */
  readonly logIndex: string
  readonly logEntry: (name: string, nomadJobId: string, stream: string) => string
  readonly archived: (name: string) => string
  /** Names the record of an archived run whose id is not the record's name. */
  readonly archivedId: (jobId: string) => string
  /** Names only, in the order of the jobs' beginnings. */
  readonly archiveTimes: string
  /** The last few hundred statuses that changed: what waiters and streams of all replicas follow. */
  readonly feed: string
  /** Which job a submit key has made, by a hash of the key. */
  readonly idempotency: string
  readonly submitKey: (hash: string) => string
  /** What a record that came over HTTP says in confidence, apart from what anybody reads. */
  readonly confidential: (name: string) => string
  /** Who keeps a record equal to a file: written and deleted with the record, by `jobforge sync` alone. */
  readonly managed: string
  /** Webhook deliveries that are due, in order. */
  readonly outbox: string
  readonly delivery: (name: string, id: string) => string
  /** What the leader does, and did lately, for those who asked it to sweep up what nobody owns. */
  readonly collections: string
  /** Says that what an earlier service left below a prefix was taken over. */
  readonly takenOver: (prefix: string) => string
}

export const keysBelow = (prefix: string): Keys => ({
  jobs: `${prefix}/jobs/`,
  statuses: `${prefix}/status/`,
  config: `${prefix}/config/`,
  requests: `${prefix}/requests/`,
  leader: `${prefix}/leader`,
  installation: `${prefix}/installation`,
  status: (name) => `${prefix}/status/${name}`,
  slot: (slot) => `${prefix}/slots/${slot}`,
  request: (id) => `${prefix}/requests/${id}`,
  logs: `${prefix}/logs/`,
  logPiece: (name, nomadJobId, stream, piece) => `${prefix}/logs/${name}/${nomadJobId}/${stream}.${piece}`,
  logsOf: (name, nomadJobId, stream) => `${prefix}/logs/${name}/${nomadJobId}/${stream}.`,
  logIndex: `${prefix}/log-index/`,
  logEntry: (name, nomadJobId, stream) => `${prefix}/log-index/${name}/${nomadJobId}/${stream}`,
  archived: (name) => `${prefix}/archive/jobs/${name}`,
  archivedId: (jobId) => `${prefix}/archive/ids/${jobId}`,
  archiveTimes: `${prefix}/archive/times/`,
  feed: `${prefix}/feed`,
  idempotency: `${prefix}/idempotency/`,
  submitKey: (hash) => `${prefix}/idempotency/${hash}`,
  confidential: (name) => `${prefix}/confidential/${name}`,
  managed: `${prefix}/managed/`,
  outbox: `${prefix}/outbox/`,
  delivery: (name, id) => `${prefix}/outbox/${name}/${id}`,
  collections: `${prefix}/collections`,
  takenOver: (from) => `${prefix}/taken-over/${from}`
})

/**
 * The record's name: what follows `jobs/`, without the ending that GitOps tools leave on it. None for what is no
 * record: folders, and the `*.ref` keys in which git2consul notes its commit.
 */
export const recordName = (jobs: string, key: string): Option.Option<string> => {
  const rest = key.slice(jobs.length)
  if (rest === "" || rest.endsWith("/") || rest.endsWith(".ref")) return Option.none()
  const name = rest.replace(/\.(json|yaml|yml)$/, "")
  return name === "" || name.endsWith("/") ? Option.none() : Option.some(name)
}
