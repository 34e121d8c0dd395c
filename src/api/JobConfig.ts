import { Schema } from "effect"
import { ResourceLimits } from "../domain/BuildJobLimits.ts"
import { Test } from "../domain/BuildJobTest.ts"
import { Nanoseconds } from "./WireTime.ts"

/**
 * A job's configuration as it is executed, for reading. Never what a record says in confidence: there is no place for
 * `webhook_secret` and `webhook_headers` here.
 */
export const JobConfig = Schema.Struct({
  owner: Schema.String,
  repo_url: Schema.String,
  git_ref: Schema.String,
  git_credentials_path: Schema.String,
  dockerfile_path: Schema.String,
  dockerfile_context: Schema.String,
  image_name: Schema.String,
  image_tags: Schema.Array(Schema.String).annotations({ description: "The job's id first, then the tags asked for." }),
  registry_url: Schema.String,
  registry_credentials_path: Schema.String,
  test: Schema.optional(Schema.encodedSchema(Test)),
  resource_limits: Schema.optional(Schema.encodedSchema(ResourceLimits)),
  build_timeout: Schema.optional(Nanoseconds),
  clear_cache: Schema.optional(Schema.Boolean),
  webhook_url: Schema.optional(Schema.String),
  webhook_on_success: Schema.optional(Schema.Boolean),
  webhook_on_failure: Schema.optional(Schema.Boolean),
  deploy_dir: Schema.optional(Schema.String)
}).annotations({ identifier: "JobConfig" })
export type JobConfig = typeof JobConfig.Type
