import { Either, Schema } from "effect"
import type { Answer, Exchange } from "../../http/EmbeddedServer.ts"
import { decodeRegisterRequest, type Job, type RegisterRequest } from "../machine/JobSpec.ts"
import { refusalText, unimplemented } from "../machine/unimplemented.ts"
import { multiError, validateJob } from "../machine/validateJob.ts"
import type { NomadEngine } from "./NomadEngine.ts"
import { checkRegion, HttpFault, jsonAnswer, written } from "./NomadRequest.ts"

/** What the client would refuse of a job, asked before it is taken: one text a refusal. */
export type Admission = (job: Job) => ReadonlyArray<string>

/** `POST /v1/jobs` and `PUT /v1/job/<id>`; the second names the job twice. */
export const registerJob = async (
  engine: NomadEngine,
  admission: Admission,
  exchange: Exchange,
  idInPath: string | undefined
): Promise<Answer> => {
  const { request, refusals, namesId } = await readRequest(exchange, "api.JobRegisterRequest")
  const job = request.Job
  if (job === null) throw new HttpFault(400, "Job must be specified")
  if (!namesId) throw new HttpFault(400, "Job ID hasn't been provided")
  if (idInPath !== undefined && idInPath !== job.ID) throw new HttpFault(400, "Job ID does not match name")
  for (const region of [exchange.query.get("region"), request.Region, job.Region]) checkRegion(region)
  const faults = faultsOf(exchange, job, refusals, admission)
  if (faults.length > 0) throw new HttpFault(500, multiError(faults))
  const reply = engine.execute({
    _tag: "Register",
    job,
    ...(request.EnforceIndex ? { enforceIndex: request.JobModifyIndex } : {})
  })
  if (reply._tag === "Refused") throw new HttpFault(500, reply.text)
  if (reply._tag !== "Registered") throw new HttpFault(500, "the job was not registered")
  const body = {
    EvalCreateIndex: reply.index,
    EvalID: reply.evaluationId,
    Index: reply.index,
    JobModifyIndex: reply.jobModifyIndex,
    KnownLeader: false,
    LastContact: 0,
    NextToken: "",
    Warnings: ""
  }
  return written(body, reply.index)
}

/** `POST /v1/validate/job`: an invalid job is a 200 too. */
export const validateRequest = async (admission: Admission, exchange: Exchange): Promise<Answer> => {
  const { request, refusals } = await readRequest(exchange, "api.JobValidateRequest")
  const job = request.Job
  if (job === null) throw new HttpFault(400, "Job must be specified")
  const faults = faultsOf(exchange, job, refusals, admission)
  return jsonAnswer({
    DriverConfigValidated: true,
    Error: faults.length === 0 ? "" : multiError(faults),
    ValidationErrors: faults.length === 0 ? null : faults,
    Warnings: ""
  })
}

/** What Nomad itself has against a job comes first; only a job that it would take is asked what this server lacks. */
const faultsOf = (
  exchange: Exchange,
  job: Job,
  refusals: ReadonlyArray<string>,
  admission: Admission
): ReadonlyArray<string> => {
  const invalid = [...validateJob(job), ...namespaceFaults(exchange, job), ...poolFaults(job)]
  if (invalid.length > 0) return invalid
  const missing = [...new Set([...refusals, ...unimplemented(job)])].map(refusalText)
  return missing.length > 0 ? missing : admission(job)
}

const namespaceFaults = (exchange: Exchange, job: Job): ReadonlyArray<string> => {
  const asked = exchange.query.get("namespace") ?? ""
  const namespace = asked === "" || asked === "default" ? job.Namespace : asked
  return ["", "default"].includes(namespace)
    ? []
    : [`job ${JSON.stringify(job.ID)} is in nonexistent namespace ${JSON.stringify(namespace)}`]
}

/** The pools that every Nomad has, of which `all` takes jobs too. */
const poolFaults = ({ ID, NodePool }: Job): ReadonlyArray<string> =>
  ["", "default", "all"].includes(NodePool)
    ? []
    : [`job ${JSON.stringify(ID)} is in nonexistent node pool ${JSON.stringify(NodePool)}`]

/** Nomad's agents take no job larger than its log's entries, 1 MiB by default. */
const largestBody = 1024 * 1024

const parseJson = Schema.decodeUnknownEither(Schema.parseJson(Schema.Unknown))

const readRequest = async (exchange: Exchange, goName: string): Promise<RegisterRequest> => {
  const body = await exchange.readBody(largestBody)
  if (body._tag === "TooLarge") throw new HttpFault(400, "http: request body too large")
  const text = new TextDecoder().decode(body.bytes)
  const json = parseJson(text)
  if (Either.isLeft(json)) throw new HttpFault(400, syntaxFault(text))
  const decoded = decodeRegisterRequest(json.right, goName)
  if (Either.isLeft(decoded)) throw new HttpFault(400, decoded.left)
  return decoded.right
}

/** Go's texts for the usual ways in which a body is no JSON. */
const syntaxFault = (text: string): string => {
  const trimmed = text.trim()
  if (trimmed === "") return "Request body is empty"
  const literal = ["null", "true", "false"].find((word) => word.startsWith(trimmed.charAt(0)))
  if (literal !== undefined) {
    const at = literal.split("").findIndex((letter, index) => trimmed.charAt(index) !== letter)
    if (at > 0 && at < trimmed.length) {
      return `invalid character '${trimmed.charAt(at)}' in literal ${literal} (expecting '${literal.charAt(at)}')`
    }
  }
  const opened = trimmed.split(/[{[]/).length - trimmed.split(/[}\]]/).length
  if (opened > 0) return "unexpected EOF"
  return `invalid character '${trimmed.charAt(0)}' looking for beginning of value`
}
