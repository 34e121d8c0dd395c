import type { FileSystem } from "@effect/platform"
import { type ConfigError, Effect, Either, Layer, type Option, Schema } from "effect"
import { type ApiError, Invalid } from "../http/ApiError.ts"
import { Allocation } from "./Allocation.ts"
import { changeEvents } from "./changeEvents.ts"
import { Evaluation } from "./Evaluation.ts"
import { Job, JobStub } from "./Job.ts"
import { Node } from "./Node.ts"
import { Nomad, type RegisterOptions } from "./Nomad.ts"
import { load, type NomadConfig } from "./NomadConfig.ts"
import { makeConnection, type NomadConnection } from "./NomadConnection.ts"
import { count, listOf, text } from "./optionalFields.ts"
import { decodeAnswer } from "./decodeAnswer.ts"
import { readAllocationFile } from "./readAllocationFile.ts"
import { followLogs, readLogs } from "./taskLogs.ts"

/** Nomad over HTTP, as the environment says. */
export const layer: Layer.Layer<Nomad, ConfigError.ConfigError, FileSystem.FileSystem> = Layer.unwrapEffect(
  Effect.map(load, (config) => layerOf(config))
)

export const layerOf = (config: NomadConfig): Layer.Layer<Nomad> =>
  Layer.scoped(Nomad, Effect.map(makeConnection(config), fromConnection))

/**
 * Without spans: the operation names each request in errors, logs and metrics, and twenty spans to a job that each take a
 * stack would only repeat it.
 */
const fromConnection = (connection: NomadConnection): Nomad["Type"] => ({
  ...jobs(connection),
  ...tasks(connection),
  ...cluster(connection)
})

const jobs = (
  connection: NomadConnection
): Pick<Nomad["Type"], "register" | "validate" | "job" | "jobs" | "stop" | "allocations" | "evaluations"> => ({
  register: Effect.fnUntraced(function* (job, options) {
    const operation = `job.register ${job.ID}`
    const body = yield* encodeBody(operation, { Job: job, ...createOnly(options) })
    const answer = yield* connection.askFor(toRegistration, { operation, method: "POST", path: "/v1/jobs", body })
    return { evalId: answer.EvalID, jobModifyIndex: answer.JobModifyIndex, warnings: answer.Warnings }
  }),

  validate: Effect.fnUntraced(function* (job) {
    const operation = `job.validate ${job.ID}`
    const body = yield* encodeBody(operation, { Job: job })
    const answer = yield* connection.askFor(toValidation, { operation, method: "POST", path: "/v1/validate/job", body })
    // Some versions give a single error in `Error` only.
    const errors =
      answer.ValidationErrors.length === 0 && answer.Error !== "" ? [answer.Error] : answer.ValidationErrors
    return { errors, warnings: answer.Warnings }
  }),

  job: (id) => found(connection.askFor(toJob, { operation: `job.read ${id}`, path: jobPath(id) })),

  jobs: Effect.fnUntraced(function* (prefix) {
    const operation = `job.list ${prefix}`
    const answer = yield* connection.ask({
      operation,
      path: "/v1/jobs",
      parameters: [
        ["prefix", prefix],
        ["meta", "true"]
      ]
    })
    const value = yield* toJobStubs(operation, answer.body)
    return { index: Number(answer.headers["x-nomad-index"] ?? 0), value }
  }),

  stop: (id, options) =>
    Effect.asVoid(
      connection.ask({
        operation: `job.stop ${id}`,
        method: "DELETE",
        path: jobPath(id),
        parameters: options?.purge === true ? [["purge", "true"]] : []
      })
    ),

  allocations: (jobId) =>
    connection.askFor(toAllocations, {
      operation: `job.allocations ${jobId}`,
      path: `${jobPath(jobId)}/allocations`,
      parameters: [["all", "false"]]
    }),

  evaluations: (jobId) =>
    connection.askFor(toEvaluations, {
      operation: `job.evaluations ${jobId}`,
      path: `${jobPath(jobId)}/evaluations`
    })
})

const tasks = (
  connection: NomadConnection
): Pick<Nomad["Type"], "allocation" | "readFile" | "logs" | "followLogs" | "events"> => ({
  allocation: (id) =>
    found(
      connection.askFor(toAllocation, {
        operation: `allocation.read ${id}`,
        path: `/v1/allocation/${encodeURIComponent(id)}`
      })
    ),

  readFile: (allocationId, path) => readAllocationFile(connection, allocationId, path),

  logs: (allocationId, task, stream, options) => readLogs(connection, { allocationId, task, stream }, options),

  followLogs: (allocationId, task, stream, offset) => followLogs(connection, { allocationId, task, stream }, offset),

  events: (topics, fromIndex) => changeEvents(connection, topics, fromIndex)
})

const cluster = (
  connection: NomadConnection
): Pick<Nomad["Type"], "nodes" | "regions" | "leader" | "systemGc" | "agentSelf"> => ({
  nodes: () => connection.askFor(toNodes, { operation: "node.list", path: "/v1/nodes" }),
  regions: () => connection.askFor(toNames, { operation: "region.list", path: "/v1/regions" }),
  leader: () => connection.askFor(toText, { operation: "status.leader", path: "/v1/status/leader" }),
  systemGc: () => Effect.asVoid(connection.ask({ operation: "system.gc", method: "PUT", path: "/v1/system/gc" })),
  agentSelf: () =>
    Effect.map(connection.askFor(toAgentSelf, { operation: "agent.self", path: "/v1/agent/self" }), ({ config }) => ({
      version: config.Version.Version,
      region: config.Region,
      datacenter: config.Datacenter
    }))
})

const jobPath = (id: string): string => `/v1/job/${encodeURIComponent(id)}`

const createOnly = (options: RegisterOptions | undefined) =>
  options?.createOnly === true ? { EnforceIndex: true, JobModifyIndex: 0 } : {}

const encodeBody = (operation: string, body: unknown): Either.Either<string, ApiError> =>
  Either.mapLeft(encodeJson(body), (error) => new Invalid({ system: "nomad", operation, detail: error.message }))

const found = <A>(ask: Effect.Effect<A, ApiError>): Effect.Effect<Option.Option<A>, ApiError> =>
  ask.pipe(
    Effect.asSome,
    Effect.catchTag("NotFound", () => Effect.succeedNone)
  )

const toJob = decodeAnswer(Job)
const toJobStubs = decodeAnswer(Schema.Array(JobStub))
const toAllocation = decodeAnswer(Allocation)
const toAllocations = decodeAnswer(Schema.Array(Allocation))
const toEvaluations = decodeAnswer(Schema.Array(Evaluation))
const toNodes = decodeAnswer(Schema.Array(Node))
const toNames = decodeAnswer(Schema.Array(Schema.String))
const toText = decodeAnswer(Schema.String)
const toRegistration = decodeAnswer(Schema.Struct({ EvalID: text, JobModifyIndex: count, Warnings: text }))
const toValidation = decodeAnswer(
  Schema.Struct({ ValidationErrors: listOf(Schema.String), Error: text, Warnings: text })
)
const toAgentSelf = decodeAnswer(
  Schema.Struct({
    config: Schema.Struct({ Version: Schema.Struct({ Version: text }), Region: text, Datacenter: text })
  })
)
const encodeJson = Schema.encodeEither(Schema.parseJson(Schema.Unknown))
