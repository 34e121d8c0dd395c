import type { Exchange } from "../../http/EmbeddedServer.ts"
import {
  type AgentFacts,
  agentRoute,
  allocationRoute,
  allocationsRoute,
  evaluationRoute,
  evaluationsRoute,
  nodeRoute,
  nodesRoute,
  systemRoute
} from "./clusterRoutes.ts"
import { eventStreamRoute } from "./eventStream.ts"
import { type ClientFolders, clientAllocationRoute, fileRoute } from "./fileRoutes.ts"
import { jobRoute, jobsRoute } from "./jobRoutes.ts"
import type { NomadEngine } from "./NomadEngine.ts"
import { HttpFault, onlyMethods, plainText } from "./NomadRequest.ts"
import { type Admission, validateRequest } from "./registerRoutes.ts"

export interface Agent {
  readonly engine: NomadEngine
  readonly admission: Admission
  readonly client: ClientFolders
  readonly facts: AgentFacts
}

/** Everything that the agent answers, by Nomad's own paths. */
export const handleRequest = async (agent: Agent, exchange: Exchange): Promise<void> => {
  try {
    await route(agent, exchange, decodePath(exchange.path))
  } catch (error) {
    if (!(error instanceof HttpFault)) throw error
    exchange.answer(
      error.message === "" ? { status: error.status, body: "" } : plainText(error.status, error.message, error.headers)
    )
  }
}

const route = async (agent: Agent, exchange: Exchange, path: string): Promise<void> => {
  const exact = exactRoutes.get(path)
  if (exact !== undefined) return exact(agent, exchange)
  for (const [prefix, handler] of prefixRoutes) {
    if (path.startsWith(prefix)) return handler(agent, exchange, path.slice(prefix.length))
  }
  agentRoute(agent.facts, exchange, path)
}

type Handler = (agent: Agent, exchange: Exchange) => void | Promise<void>
type PrefixHandler = (agent: Agent, exchange: Exchange, rest: string) => void | Promise<void>

const exactRoutes = new Map<string, Handler>([
  ["/v1/jobs", ({ engine, admission }, exchange) => jobsRoute(engine, admission, exchange)],
  [
    "/v1/validate/job",
    async ({ admission }, exchange) => {
      onlyMethods(exchange, "POST", "PUT")
      exchange.answer(await validateRequest(admission, exchange))
    }
  ],
  ["/v1/evaluations", ({ engine }, exchange) => evaluationsRoute(engine, exchange)],
  ["/v1/allocations", ({ engine }, exchange) => allocationsRoute(engine, exchange)],
  ["/v1/nodes", ({ engine }, exchange) => nodesRoute(engine, exchange)],
  ["/v1/event/stream", ({ engine }, exchange) => eventStreamRoute(engine, exchange)]
])

const prefixRoutes: ReadonlyArray<readonly [string, PrefixHandler]> = [
  ["/v1/job/", ({ engine, admission }, exchange, rest) => jobRoute(engine, admission, exchange, rest)],
  ["/v1/evaluation/", ({ engine }, exchange, rest) => evaluationRoute(engine, exchange, rest)],
  ["/v1/allocation/", ({ engine }, exchange, rest) => allocationRoute(engine, exchange, rest)],
  ["/v1/node/", ({ engine }, exchange, rest) => nodeRoute(engine, exchange, rest)],
  ["/v1/client/fs/", ({ engine, client }, exchange, rest) => fileRoute(engine, client, exchange, rest)],
  [
    "/v1/client/allocation/",
    ({ engine, client }, exchange, rest) => clientAllocationRoute(engine, client, exchange, rest)
  ],
  ["/v1/system/", ({ engine }, exchange, rest) => systemRoute(engine, exchange, rest)]
]

const decodePath = (path: string): string => {
  try {
    return decodeURIComponent(path)
  } catch {
    throw new HttpFault(400, "400 Bad Request")
  }
}
