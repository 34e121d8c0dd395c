import { type Answer, type Exchange, redirect } from "../http/EmbeddedServer.ts"
import * as Agent from "./agentRoutes.ts"
import * as Catalog from "./catalogRoutes.ts"
import { type ConsulContext, type Handler, HttpRefusal, text } from "./ConsulRequest.ts"
import { deleteKv, readKv, writeKv } from "./kvRoutes.ts"
import * as Session from "./sessionRoutes.ts"
import { runTxn } from "./txnRoutes.ts"

/** Answers one request as Consul's HTTP API does. */
export const route = async (context: ConsulContext, exchange: Exchange): Promise<void> => {
  const path = decodePath(exchange.path)
  if (path === undefined) return exchange.answer(text(400, "the embedded Consul takes paths in UTF-8 only"))
  const found = find(path)
  if (found === undefined) return exchange.answer(unrouted(exchange, path))
  const allowed = ["OPTIONS", ...found.methods.keys()].join(",")
  const handler = found.methods.get(exchange.method)
  if (exchange.method === "OPTIONS")
    return exchange.answer({ status: 200, headers: { Allow: allowed, Vary: "Accept-Encoding" }, body: "" })
  if (handler === undefined) {
    const refused = text(405, `method ${exchange.method} not allowed`)
    return exchange.answer({ ...refused, headers: { ...refused.headers, Allow: allowed } })
  }
  try {
    await handler(context, exchange, found.rest)
  } catch (error) {
    const status = error instanceof HttpRefusal ? error.status : 500
    exchange.answer(text(status, error instanceof Error ? error.message : String(error)))
  }
}

type Methods = ReadonlyMap<string, Handler>

const get = (handler: Handler): Methods => new Map([["GET", handler]])
const put = (handler: Handler): Methods => new Map([["PUT", handler]])

const kv: Methods = new Map([
  ["GET", readKv],
  ["PUT", writeKv],
  ["DELETE", deleteKv]
])

/** A path that ends in `/` takes all below it. */
const routes: ReadonlyMap<string, Methods> = new Map([
  ["/v1/kv/", kv],
  ["/v1/txn", put(runTxn)],
  ["/v1/session/create", put(Session.createSession)],
  ["/v1/session/destroy/", put(Session.destroySession)],
  ["/v1/session/renew/", put(Session.renewSession)],
  ["/v1/session/info/", get(Session.readSession)],
  ["/v1/session/node/", get(Session.listSessionsOfNode)],
  ["/v1/session/list", get(Session.listSessions)],
  ["/v1/agent/self", get(Agent.readSelf)],
  ["/v1/agent/members", get(Agent.listMembers)],
  ["/v1/agent/services", get(Agent.listAgentServices)],
  ["/v1/agent/service/", get(Agent.readAgentService)],
  ["/v1/agent/service/register", put(Agent.registerService)],
  ["/v1/agent/service/deregister/", put(Agent.deregisterService)],
  ["/v1/agent/checks", get(Agent.listAgentChecks)],
  ["/v1/agent/check/register", put(Agent.registerCheck)],
  ["/v1/agent/check/deregister/", put(Agent.deregisterCheck)],
  ["/v1/agent/check/pass/", put(Agent.heartbeat("passing"))],
  ["/v1/agent/check/warn/", put(Agent.heartbeat("warning"))],
  ["/v1/agent/check/fail/", put(Agent.heartbeat("critical"))],
  ["/v1/agent/check/update/", put(Agent.updateCheck)],
  ["/v1/catalog/datacenters", get(Catalog.listDatacenters)],
  ["/v1/catalog/nodes", get(Catalog.listNodes)],
  ["/v1/catalog/node/", get(Catalog.readNode)],
  ["/v1/catalog/services", get(Catalog.listServices)],
  ["/v1/catalog/service/", get(Catalog.readCatalogService)],
  ["/v1/health/service/", get(Catalog.readServiceHealth)],
  ["/v1/health/checks/", get(Catalog.readServiceChecks)],
  ["/v1/health/node/", get(Catalog.readNodeHealth)],
  ["/v1/health/state/", get(Catalog.readChecksInState)],
  ["/v1/status/leader", get(Agent.readLeader)],
  ["/v1/status/peers", get(Agent.listPeers)]
])

/** The longest route that fits, as in Go's ServeMux. */
const find = (path: string): { readonly methods: Methods; readonly rest: string } | undefined => {
  const exact = routes.get(path)
  if (exact !== undefined) return { methods: exact, rest: "" }
  if (path.startsWith("/v1/kv/")) return { methods: kv, rest: path.slice("/v1/kv/".length) }
  for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) {
    const methods = routes.get(path.slice(0, end + 1))
    if (methods !== undefined) return { methods, rest: path.slice(end + 1) }
  }
  return undefined
}

/** What Consul has and this one hasn't is refused by name, so that nobody takes it for an empty answer. */
const unrouted = (exchange: Exchange, path: string): Answer => {
  if (routes.has(`${path}/`)) return redirect(exchange, `${path}/`)
  if (path.startsWith("/v1/acl/")) return text(401, "ACL support disabled")
  return consulOnly.test(path) ? text(501, `the embedded Consul does not implement ${path}`) : { status: 404, body: "" }
}

const consulOnly = new RegExp(
  "^/v1/(?:(?:event|operator|query|config|connect|coordinate|internal|discovery-chain)(?:/|$)|snapshot$|" +
    "catalog/(?:register|deregister|connect/|gateway-services/|node-services/)|health/(?:connect|ingress)/|" +
    "agent/(?:maintenance|reload|monitor|metrics|host|join/|leave|force-leave/|token/|connect/|health/|service/maintenance/))"
)

const decodePath = (path: string): string | undefined => {
  try {
    return decodeURIComponent(path)
  } catch {
    return undefined
  }
}
