import type { JobState } from "../../../src/api/JobState.ts"
import type { LogEvent } from "../../../src/api/LogEvent.ts"
import { beginWatching, take, type Watched } from "../../../src/commands/watch/Watched.ts"

type AttemptState = JobState["attempts"][number]

const at = (seconds: number): string => new Date(Date.UTC(2026, 0, 31, 9, 30, seconds)).toISOString()

/** Seconds after the job's start, as the clock here has them. */
export const clock = (seconds: number): number => Date.parse(at(seconds))

export const attempt = (phase: "build" | "test" | "publish", more: Partial<AttemptState> = {}): AttemptState => ({
  phase,
  attempt: 1,
  nomad_job_id: `${phase}-1`,
  intended_at: at(0),
  ...more
})

export const ran = (from: number, to?: number): Partial<AttemptState> => ({
  started_at: at(from),
  node: "node-7",
  ...(to === undefined ? {} : { finished_at: at(to), result: "succeeded" })
})

/** A job that waits for its first step, with two test commands and its entry point to test. */
export const job = (more: Partial<JobState> = {}): JobState => ({
  job_id: "3f2c8f0e-7f0b-4d7c-9d0a-5e1a2b3c4d5e",
  name: "team/web",
  status: "PENDING",
  config: {
    owner: "team",
    repo_url: "https://git.example.com/team/web.git",
    git_ref: "main",
    git_credentials_path: "",
    dockerfile_path: "Dockerfile",
    dockerfile_context: ".",
    image_name: "team/web",
    image_tags: ["3f2c8f0e-7f0b-4d7c-9d0a-5e1a2b3c4d5e", "v1.2.0"],
    registry_url: "registry.example.com:5000",
    registry_credentials_path: "",
    test: { commands: ["npm test", "npm run 検査"], entry_point: true }
  },
  metrics: {
    job_start: at(0),
    build_duration: 0,
    test_duration: 0,
    publish_duration: 0,
    total_duration: 0,
    resource_usage: { max_cpu: 0, max_memory: 0, disk_used: 0 }
  },
  allocations: { test: [], has_any_warning: false },
  index: 7,
  generation: 1,
  log_tail: [],
  errors: [],
  images: [],
  attempts: [],
  conditions: [],
  events: [],
  archived: false,
  created_at: at(0),
  updated_at: at(0),
  ...more
})

export const times = (more: Readonly<Record<string, number>>): JobState["metrics"] => ({
  ...job().metrics,
  ...Object.fromEntries(Object.entries(more).map(([name, seconds]) => [name, at(seconds)]))
})

export const queued = job({
  waiting: {
    reason: "WaitingForSlot",
    message: "team/api (job 77) holds the same image",
    holder: { name: "team/api", job_id: "77" },
    position: 2,
    since: at(3)
  }
})

export const testing = job({
  status: "TESTING",
  phase: "test",
  metrics: times({ build_start: 2, build_end: 64, test_start: 66 }),
  attempts: [
    attempt("build", { ...ran(1), attempt: 1, result: "failed", infrastructure: true, message: "node lost" }),
    attempt("build", { ...ran(2, 64), attempt: 2 }),
    attempt("test", { ...ran(66, 70), test: { kind: "command", index: 0 } }),
    attempt("test", { ...ran(67), test: { kind: "command", index: 1 } }),
    attempt("test", { test: { kind: "entry-point" }, waiting: "no node has 4096 MiB free" })
  ]
})

export const failed = job({
  status: "FAILED",
  failed_phase: "test",
  reason: "TestFailed",
  error: "Test phase failed in command 2: exit code 3",
  metrics: times({ build_start: 2, build_end: 64, test_start: 66, test_end: 80, job_end: 81 }),
  attempts: [
    attempt("build", ran(2, 64)),
    attempt("test", { ...ran(66, 70), test: { kind: "command", index: 0 } }),
    attempt("test", { ...ran(67, 80), test: { kind: "command", index: 1 }, result: "failed", message: "exit code 3" }),
    attempt("test", { ...ran(67, 71), test: { kind: "entry-point" } })
  ],
  updated_at: at(81)
})

export const logEvent = (message: string, more: Partial<LogEvent> = {}): LogEvent => ({
  job_id: job().job_id,
  phase: "test",
  timestamp: at(70),
  level: "INFO",
  message: `[main/stdout] ${message}`,
  attempt: 1,
  test: 1,
  nomad_job_id: "test-1",
  stream: "stdout",
  offset: 0,
  cursor: "",
  ...more
})

/** A job as it is watched, so many seconds after its start. */
export const watched = (state: JobState, seconds: number, log: ReadonlyArray<LogEvent> = []): Watched =>
  log.reduce((before, line) => take(before, { kind: "line", line }), beginWatching(state, clock(seconds)))
