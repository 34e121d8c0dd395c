import { counter, gauge, histogram } from "./Family.ts"

/** The value of `name` and `controller`, where the field's names have such a label: there is one controller here. */
const self = "buildjob"
export const ofController = { controller: self } as const
export const ofQueue = { name: self } as const
export const ofElection = { name: self } as const

const endings = [{ status: "succeeded" }, { status: "failed" }] as const

/** What a job can have come to, and in which phase: `none` where it is in none. */
const jobStates = [
  { status: "pending", phase: "none" },
  { status: "building", phase: "build" },
  { status: "testing", phase: "test" },
  { status: "publishing", phase: "publish" },
  { status: "succeeded", phase: "publish" },
  ...["none", "build", "test", "publish"].map((phase) => ({ status: "failed", phase }))
]

/** What is documented for users of the service. Job metrics are the leader's: sum them over all replicas. */
const jobs = {
  buildDuration: histogram(
    "build_duration_seconds",
    "Duration of ended build phases, by how they ended",
    ["status", "owner"],
    [30, 60, 120, 300, 600, 1200, 1800, 3600],
    endings
  ),
  testDuration: histogram(
    "test_duration_seconds",
    "Duration of ended test phases, by how they ended",
    ["status", "owner"],
    [10, 30, 60, 120, 300, 600, 900, 1800],
    endings
  ),
  publishDuration: histogram(
    "publish_duration_seconds",
    "Duration of ended publish phases, by how they ended",
    ["status", "owner"],
    [5, 15, 30, 60, 120, 300],
    endings
  ),
  successRate: gauge(
    "job_success_rate",
    "Share of the jobs ended within the window that succeeded; without those that somebody cancelled, deleted or replaced; NaN for none. Told by the leader; owner all: of all owners together",
    ["window", "owner"]
  ),
  concurrentJobs: gauge("concurrent_jobs_total", "Jobs that have begun their work and not ended it", []),
  totalJobs: counter(
    "total_jobs",
    "Jobs that came to this status, and the phase in which they did; pending counts all that began",
    ["status", "phase", "owner"],
    jobStates
  ),
  resourceUsage: gauge(
    "resource_usage",
    "What the running steps of the jobs under way have reserved: cpu in MHz, memory and disk in MB. At most 100 jobs, the longest under way; a series ends with its phase",
    ["resource_type", "job_id", "phase"]
  ),
  healthCheck: gauge(
    "health_check",
    "Whether a service answers: 1 healthy, 0 unhealthy; looked at every 30 s",
    ["service"],
    [{ service: "consul" }, { service: "nomad" }]
  )
} as const

const quick = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

/** The controller's own work, in the names that operators know from other controllers. */
const controller = {
  reconciles: counter(
    "controller_runtime_reconcile_total",
    "Passes over one record, by result",
    ["controller", "result"],
    ["success", "error", "requeue", "requeue_after"].map((result) => ({ ...ofController, result }))
  ),
  reconcileErrors: counter(
    "controller_runtime_reconcile_errors_total",
    "Passes that failed and are made again",
    ["controller"],
    [ofController]
  ),
  reconcilePanics: counter(
    "controller_runtime_reconcile_panics_total",
    "Passes that ended in a bug",
    ["controller"],
    [ofController]
  ),
  reconcileTime: histogram("controller_runtime_reconcile_time_seconds", "Duration of a pass", ["controller"], quick, [
    ofController
  ]),
  activeWorkers: gauge(
    "controller_runtime_active_workers",
    "Workers that are in a pass",
    ["controller"],
    [ofController]
  ),
  maxWorkers: gauge(
    "controller_runtime_max_concurrent_reconciles",
    "Workers that there are; 0 on a replica that does not lead",
    ["controller"],
    [ofController]
  ),
  queueDepth: gauge("workqueue_depth", "Records that wait for a worker", ["name"], [ofQueue]),
  queueAdds: counter("workqueue_adds_total", "Passes asked for", ["name"], [ofQueue]),
  queueRetries: counter("workqueue_retries_total", "Passes put off after a failure", ["name"], [ofQueue]),
  queueTime: histogram("workqueue_queue_duration_seconds", "How long a record waited for a worker", ["name"], quick, [
    ofQueue
  ]),
  workTime: histogram("workqueue_work_duration_seconds", "How long a worker was busy with a record", ["name"], quick, [
    ofQueue
  ]),
  unfinishedWork: gauge(
    "workqueue_unfinished_work_seconds",
    "Age of all passes under way together",
    ["name"],
    [ofQueue]
  ),
  longestWork: gauge(
    "workqueue_longest_running_processor_seconds",
    "Age of the oldest pass under way",
    ["name"],
    [ofQueue]
  ),
  leading: gauge("leader_election_master_status", "Whether this replica leads", ["name"], [ofElection]),
  leaderTransitions: counter(
    "leader_election_transitions_total",
    "How often the office was seen to pass from one replica to another",
    ["name"],
    [ofElection]
  ),
  oldestUnprogressed: gauge(
    "buildjob_oldest_unprogressed_seconds",
    "How long the status of an unfinished job has not changed, of the one for which that is longest",
    []
  ),
  queueSeconds: histogram(
    "buildjob_queue_seconds",
    "From a job's beginning to the start of its build",
    [],
    [1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600]
  )
} as const

const results = ["ok", "not_found", "conflict", "denied", "invalid", "unavailable"] as const

/** What goes over the wire, in both directions. */
const wire = {
  clientRequests: counter(
    "rest_client_requests_total",
    "Requests to Consul, Nomad and Vault by kind of operation and result",
    ["system", "operation", "result"]
  ),
  clientTime: histogram(
    "rest_client_request_duration_seconds",
    "Duration of these requests; blocking ones are operations of their own",
    ["system", "operation"],
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
  ),
  httpRequests: counter("jobforge_http_requests_total", "Requests that this replica answered", ["method", "code"]),
  httpTime: histogram(
    "jobforge_http_request_duration_seconds",
    "From a request to the headers of its answer, waiting included",
    ["method"],
    quick
  ),
  limited: counter(
    "jobforge_http_limited_total",
    "Requests refused by a limit",
    ["limit"],
    ["rate", "waiters", "waiters_per_caller"].map((limit) => ({ limit }))
  ),
  waiters: gauge(
    "jobforge_waiters",
    "Requests that wait for news: status for those on one change, stream for those that follow",
    ["kind"],
    [{ kind: "status" }, { kind: "stream" }]
  ),
  webhookDeliveries: counter(
    "jobforge_webhook_deliveries_total",
    "Tries to deliver a webhook, by result",
    ["result"],
    ["delivered", "failed", "refused", "given_up"].map((result) => ({ result }))
  ),
  archivedBytes: counter("jobforge_archived_log_bytes_total", "Bytes of logs put into the archive, compressed", [])
} as const

/** Effect's own counts of its fibers. */
const runtime = {
  fibersActive: gauge("effect_fibers_active", "Fibers that have begun and not ended", []),
  fibersStarted: counter("effect_fibers_started_total", "Fibers begun", []),
  fibersSucceeded: counter("effect_fibers_succeeded_total", "Fibers that ended well", []),
  fibersFailed: counter("effect_fibers_failed_total", "Fibers that failed or were interrupted", [])
} as const

export const family = { ...jobs, ...controller, ...wire, ...runtime } as const

export type RequestResult = (typeof results)[number]
