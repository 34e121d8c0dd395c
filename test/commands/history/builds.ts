import type { JobLog } from "../../../src/api/Answers.ts"
import type { JobState } from "../../../src/api/JobState.ts"
import type { JobInput } from "../../../src/api/Requests.ts"

export const id = "0b5b4e3e-8f4b-4c7e-9b53-3c8f8f6c0a11"

export const job: JobInput = {
  owner: "team",
  repo_url: "https://git.example.com/app.git",
  git_ref: "refs/heads/develop",
  image_name: "web/app",
  image_tags: ["latest", "develop-v0.1.5"],
  registry_url: "registry.example.com",
  test: { commands: ["make test"], env: { MODE: "fast" } },
  labels: { purpose: "release candidate" }
}

const noUsage = { max_cpu: 0, max_memory: 0, disk_used: 0 }

type Phase = "build" | "test" | "publish"
type Result = "succeeded" | "failed" | "stopped"

const attempt = (phase: Phase, result: Result, number = 1): JobState["attempts"][number] => ({
  phase,
  attempt: number,
  nomad_job_id: `${phase}-${id}`,
  intended_at: "2026-11-20T10:00:01.000Z",
  result
})

/** Built in 2m, tested in 1m30.4s, published in 0.5s. */
export const succeeded: JobState = {
  job_id: id,
  name: id,
  status: "SUCCEEDED",
  metrics: {
    job_start: "2026-11-20T10:00:00.000Z",
    build_start: "2026-11-20T10:00:01.000Z",
    build_end: "2026-11-20T10:02:01.000Z",
    test_start: "2026-11-20T10:02:02.000Z",
    test_end: "2026-11-20T10:03:32.400Z",
    publish_start: "2026-11-20T10:04:11.000Z",
    publish_end: "2026-11-20T10:04:11.500Z",
    job_end: "2026-11-20T10:04:12.000Z",
    build_duration: 120e9,
    test_duration: 90.4e9,
    publish_duration: 0.5e9,
    total_duration: 252e9,
    resource_usage: noUsage
  },
  allocations: { test: [], has_any_warning: false },
  index: 0,
  generation: 1,
  log_tail: [],
  errors: [],
  images: [],
  attempts: [attempt("build", "succeeded"), attempt("test", "succeeded"), attempt("publish", "succeeded")],
  conditions: [],
  events: [],
  archived: true,
  created_at: "2026-11-20T10:00:00.000Z",
  updated_at: "2026-11-20T10:04:12.000Z"
}

/** Built in 2m; its test failed after 5s, on its second attempt. */
export const failed: JobState = {
  ...succeeded,
  status: "FAILED",
  failed_phase: "test",
  reason: "TestFailed",
  error: "make test ended with 2\n```\n## not a build (x)",
  metrics: {
    job_start: "2026-11-20T10:00:00.000Z",
    build_start: "2026-11-20T10:00:01.000Z",
    build_end: "2026-11-20T10:02:01.000Z",
    test_start: "2026-11-20T10:02:02.000Z",
    test_end: "2026-11-20T10:02:07.000Z",
    job_end: "2026-11-20T10:02:08.000Z",
    build_duration: 120e9,
    test_duration: 5e9,
    publish_duration: 0,
    total_duration: 128e9,
    resource_usage: noUsage
  },
  attempts: [attempt("build", "failed"), attempt("build", "succeeded", 2), attempt("test", "failed")]
}

/** Cancelled between two phases: nothing failed but the job. */
export const cancelled: JobState = {
  ...failed,
  error: "cancelled by the user",
  reason: "Cancelled",
  metrics: {
    job_start: "2026-11-20T10:00:00.000Z",
    build_start: "2026-11-20T10:00:01.000Z",
    build_end: "2026-11-20T10:02:01.000Z",
    job_end: "2026-11-20T10:02:08.000Z",
    build_duration: 120e9,
    test_duration: 0,
    publish_duration: 0,
    total_duration: 128e9,
    resource_usage: noUsage
  },
  failed_phase: undefined,
  attempts: [attempt("build", "succeeded")]
}

export const log: JobLog = {
  job_id: id,
  logs: { build: ["STEP 1/2: FROM scratch", "", "STEP 2/2: COPY . /"], test: ["ok"], publish: [] }
}
