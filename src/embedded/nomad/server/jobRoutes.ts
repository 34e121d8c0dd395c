import type { Answer, Exchange } from "../../http/EmbeddedServer.ts"
import type { NomadEngine } from "./NomadEngine.ts"
import {
  answerRead,
  checkRegion,
  HttpFault,
  isKnownNamespace,
  jsonAnswer,
  onlyMethods,
  parseBool,
  written
} from "./NomadRequest.ts"
import * as Reads from "./reads.ts"
import { type Admission, registerJob } from "./registerRoutes.ts"

/** `/v1/jobs`. */
export const jobsRoute = async (engine: NomadEngine, admission: Admission, exchange: Exchange): Promise<void> => {
  onlyMethods(exchange, "GET", "POST", "PUT")
  if (exchange.method !== "GET") return exchange.answer(await registerJob(engine, admission, exchange, undefined))
  const withMeta = flag(exchange, "meta")
  refuseFilter(exchange)
  answerRead(engine, exchange, inNamespace(exchange, Reads.jobs(exchange.query.get("prefix") ?? "", withMeta), []))
}

/** `/v1/job/<id>…`: what stands behind the last known word of the path is the id, slashes and all. */
export const jobRoute = async (
  engine: NomadEngine,
  admission: Admission,
  exchange: Exchange,
  rest: string
): Promise<void> => {
  for (const [suffix, read] of parts) {
    if (!rest.endsWith(suffix)) continue
    onlyMethods(exchange, "GET")
    const id = rest.slice(0, -suffix.length)
    return answerRead(
      engine,
      exchange,
      inNamespace(exchange, read(exchange, id), suffix === "/summary" ? undefined : [])
    )
  }
  for (const suffix of absent) {
    if (rest.endsWith(suffix)) throw new HttpFault(501, `/v1/job/<id>${suffix} is not implemented by this server`)
  }
  if (rest.endsWith("/evaluate")) {
    onlyMethods(exchange, "POST", "PUT")
    return exchange.answer(evaluateJob(engine, rest.slice(0, -"/evaluate".length)))
  }
  onlyMethods(exchange, "GET", "POST", "PUT", "DELETE")
  if (exchange.method === "GET") {
    return answerRead(engine, exchange, inNamespace(exchange, Reads.job(rest), undefined))
  }
  if (exchange.method === "DELETE") return exchange.answer(deleteJob(engine, exchange, rest))
  exchange.answer(await registerJob(engine, admission, exchange, rest))
}

const parts: ReadonlyArray<readonly [string, (exchange: Exchange, id: string) => Reads.Read]> = [
  ["/allocations", (exchange, id) => Reads.allocationsOf(id, flag(exchange, "all"), flag(exchange, "resources"))],
  ["/evaluations", (_, id) => Reads.evaluationsOf(id)],
  ["/summary", (_, id) => Reads.summary(id)],
  ["/versions", (_, id) => Reads.versions(id)],
  ["/deployments", () => Reads.nothing([])],
  ["/deployment", () => Reads.nothing(null)]
]

/** What Nomad does under a job and nobody here needs. */
const absent = ["/plan", "/periodic/force", "/dispatch", "/revert", "/stable", "/scale", "/services", "/submission"]

const flag = (exchange: Exchange, name: string): boolean =>
  parseBool(
    exchange.query.get(name),
    false,
    (why) =>
      new HttpFault(
        500,
        `Failed to parse value of ${JSON.stringify(name)} (${exchange.query.get(name)}) as a bool: ${why}`
      )
  )

const refuseFilter = (exchange: Exchange): void => {
  if (exchange.query.has("filter")) throw new HttpFault(400, "filter is not implemented by this server")
}

/** In another namespace there is nothing. */
const inNamespace = (exchange: Exchange, read: Reads.Read, empty: unknown): Reads.Read =>
  isKnownNamespace(exchange) ? read : { ...read, find: (state) => ({ index: state.tableIndex.jobs, value: empty }) }

const evaluateJob = (engine: NomadEngine, id: string): Answer => {
  const reply = engine.execute({ _tag: "EvaluateJob", jobId: id })
  if (reply._tag !== "Evaluated") throw new HttpFault(500, "job not found")
  return written(
    {
      EvalID: reply.evaluationId,
      EvalCreateIndex: reply.index,
      JobModifyIndex: reply.jobModifyIndex,
      Index: reply.index
    },
    reply.index
  )
}

const deleteJob = (engine: NomadEngine, exchange: Exchange, id: string): Answer => {
  checkRegion(exchange.query.get("region"))
  const purge = flag(exchange, "purge")
  if (!isKnownNamespace(exchange)) {
    return jsonAnswer({ EvalID: "", EvalCreateIndex: 0, JobModifyIndex: 0, Index: engine.state.index })
  }
  const reply = engine.execute({ _tag: "Deregister", jobId: id, purge })
  if (reply._tag !== "Evaluated") throw new HttpFault(500, "the job was not deregistered")
  return written(
    {
      EvalCreateIndex: reply.index,
      EvalID: reply.evaluationId,
      Index: reply.index,
      JobModifyIndex: reply.jobModifyIndex,
      KnownLeader: false,
      LastContact: 0,
      NextToken: "",
      VolumeEvalID: "",
      VolumeEvalIndex: 0
    },
    reply.index
  )
}
