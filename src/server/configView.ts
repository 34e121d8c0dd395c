import { type Duration, Schema, Struct } from "effect"
import type { JobConfig } from "../api/JobConfig.ts"
import type { BuildJob } from "../domain/BuildJob.ts"
import { ResourceLimits } from "../domain/BuildJobLimits.ts"
import { Test } from "../domain/BuildJobTest.ts"
import { nanosOfDuration } from "../domain/GoDuration.ts"
import { finalTags } from "../domain/ImageReference.ts"

/** What a job executes, field by field: what is not named here is not shown, so that no new secret can slip through. */
export const configView = (job: BuildJob, jobId: string): JobConfig => ({
  owner: job.owner,
  repo_url: job.repo_url,
  git_ref: job.git_ref ?? "main",
  git_credentials_path: job.git_credentials_path ?? "",
  dockerfile_path: job.dockerfile_path ?? "Dockerfile",
  dockerfile_context: job.dockerfile_context ?? ".",
  image_name: job.image_name,
  image_tags: finalTags(jobId, job),
  registry_url: job.registry_url,
  registry_credentials_path: job.registry_credentials_path ?? "",
  ...(job.test === undefined ? {} : { test: encodeTest(job.test) }),
  ...(job.resource_limits === undefined ? {} : { resource_limits: encodeLimits(job.resource_limits) }),
  ...(job.build_timeout === undefined ? {} : { build_timeout: nanos(job.build_timeout) }),
  ...Struct.pick(job, "clear_cache", "webhook_url", "webhook_on_success", "webhook_on_failure", "deploy_dir")
})

const encodeTest = Schema.encodeSync(Test)
const encodeLimits = Schema.encodeSync(ResourceLimits)

const nanos = (duration: Duration.Duration): number => Number(nanosOfDuration(duration))
