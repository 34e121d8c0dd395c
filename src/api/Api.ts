import { HttpApi, HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "@effect/platform"
import { Health, Readiness } from "./Answers.ts"
import * as Failures from "./Failures.ts"
import * as Jobs from "./JobEndpoints.ts"
import { LogEnd, LogEvent } from "./LogEvent.ts"
import { StreamEnd, Transition } from "./Transition.ts"

class JobsGroup extends HttpApiGroup.make("jobs", { topLevel: true })
  .add(Jobs.submitJob)
  .add(Jobs.getStatus)
  .add(Jobs.readStatus)
  .add(Jobs.getLogs)
  .add(Jobs.readLogs)
  .add(Jobs.followLogs)
  .add(Jobs.rawLogs)
  .add(Jobs.events)
  .add(Jobs.diagnosis)
  .add(Jobs.killJob)
  .add(Jobs.killByPath)
  .add(Jobs.retryJob)
  .add(Jobs.retryByPath)
  .add(Jobs.purgeFailedJob)
  .add(Jobs.purgeByPath)
  .add(Jobs.cleanup)
  .add(Jobs.cleanupByPath)
  .add(Jobs.cleanupZombies)
  .add(Jobs.getHistory)
  .add(Jobs.testEndpoint)
  .add(Jobs.testResult)
  .annotate(
    OpenApi.Description,
    "Every path below /json is also served below /mcp, and every path below /json/job/{id} also below /jobs/{id}."
  ) {}

class RestGroup extends HttpApiGroup.make("rest", { topLevel: true })
  .add(Jobs.postJob)
  .add(Jobs.listJobs)
  .add(Jobs.getJob)
  .add(Jobs.deleteJob)
  .annotate(OpenApi.Description, "The same jobs as resources.") {}

class ProbesGroup extends HttpApiGroup.make("probes", { topLevel: true })
  .add(
    HttpApiEndpoint.get("health", "/health")
      .addSuccess(Health)
      .addError(Health.annotations(HttpApiSchema.annotations({ status: 503, identifier: "Health" })))
      .annotate(OpenApi.Summary, "What the service depends on, and who leads")
  )
  .add(
    HttpApiEndpoint.get("ready", "/ready")
      .addSuccess(Readiness)
      .annotate(OpenApi.Summary, "Whether this replica can serve: 503 where it can't")
  ) {}

/** The HTTP interface: what the server serves, the client library calls, and OpenAPI describes. */
export class Api extends HttpApi.make("jobforge")
  .add(JobsGroup)
  .add(RestGroup)
  .add(ProbesGroup)
  .addError(Failures.BadRequest)
  .addError(Failures.Unauthenticated)
  .addError(Failures.NotPermitted)
  .addError(Failures.TooManyRequests)
  .addError(Failures.Broken)
  .addError(Failures.BadGateway)
  .addError(Failures.Unavailable)
  .annotate(OpenApi.Title, "Job Forge")
  .annotate(OpenApi.Description, "Tested, published container images from Git repositories, built on Nomad.")
  .annotate(HttpApi.AdditionalSchemas, [Transition, StreamEnd, LogEvent, LogEnd]) {}
