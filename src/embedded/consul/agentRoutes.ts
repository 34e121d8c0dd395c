import { createHash } from "node:crypto"
import type { Exchange } from "../http/EmbeddedServer.ts"
import { agentCheckJson, agentServiceJson } from "./catalogJson.ts"
import type { ConsulCommand } from "./ConsulCommand.ts"
import type { ConsulEngine } from "./ConsulEngine.ts"
import { type AgentIdentity, type Handler, HttpRefusal, json, refuse, text } from "./ConsulRequest.ts"
import type { CheckStatus } from "./ConsulState.ts"
import { decodeAs, decodeCheck, decodeService, isStatus } from "./decodeService.ts"
import { getKey, sizeOf, valuesUnder } from "./SortedMap.ts"

export const readSelf: Handler = ({ agent, engine }, exchange) => {
  const version = agent.version
  exchange.answer(
    json(exchange, {
      Config: {
        Datacenter: agent.datacenter,
        NodeName: agent.node,
        NodeID: agent.nodeId,
        Revision: "",
        Server: true,
        Version: version
      },
      Member: memberJson(agent),
      Stats: {
        agent: {
          checks: String(sizeOf(engine.state.checks)),
          services: String(sizeOf(engine.state.services))
        },
        build: { prerelease: "", revision: "", version },
        consul: { acl: "disabled", leader: "true", leader_addr: serverAddress(agent), server: "true" }
      },
      Meta: { "consul-network-segment": "" }
    })
  )
}

export const listMembers: Handler = ({ agent }, exchange) => exchange.answer(json(exchange, [memberJson(agent)]))

export const readLeader: Handler = ({ agent }, exchange) => exchange.answer(json(exchange, serverAddress(agent)))

export const listPeers: Handler = ({ agent }, exchange) => exchange.answer(json(exchange, [serverAddress(agent)]))

export const listAgentServices: Handler = ({ engine }, exchange) => {
  const own = valuesUnder(engine.state.services).filter((service) => service.ofAgent)
  exchange.answer(json(exchange, Object.fromEntries(own.map(({ spec }) => [spec.id, agentServiceJson(spec)]))))
}

export const readAgentService: Handler = ({ engine }, exchange, id) => {
  if (exchange.query.has("hash")) throw new HttpRefusal(400, "the embedded Consul does not implement ?hash")
  const service = getKey(engine.state.services, id)
  if (service?.ofAgent !== true) throw new HttpRefusal(404, `unknown service ID: ${id}`)
  const shown = agentServiceJson(service.spec)
  const hash = createHash("sha256").update(JSON.stringify(shown)).digest("hex").slice(0, 16)
  exchange.answer(json(exchange, { ...shown, ContentHash: hash }, 200, { "X-Consul-Contenthash": hash }))
}

export const registerService: Handler = async ({ engine }, exchange) => {
  const registration = decodeService(await wholeBody(exchange))
  const replaceChecks = exchange.query.has("replace-existing-checks")
  run(engine, exchange, { _tag: "ServiceRegister", ...registration, replaceChecks })
}

export const deregisterService: Handler = ({ engine }, exchange, id) =>
  run(engine, exchange, { _tag: "ServiceDeregister", id: given(id, "ServiceID missing") })

export const listAgentChecks: Handler = ({ engine, agent }, exchange) => {
  const own = valuesUnder(engine.state.checks).filter((check) => check.spec.kind._tag !== "Serf")
  exchange.answer(json(exchange, Object.fromEntries(own.map((c) => [c.spec.id, agentCheckJson(agent.node, c)]))))
}

export const registerCheck: Handler = async ({ engine }, exchange) =>
  run(engine, exchange, { _tag: "CheckRegister", check: decodeCheck(await wholeBody(exchange)) })

export const deregisterCheck: Handler = ({ engine }, exchange, id) =>
  run(engine, exchange, { _tag: "CheckDeregister", id: given(id, "CheckID missing") })

/** `check/pass`, `check/warn` and `check/fail`. */
export const heartbeat =
  (status: CheckStatus): Handler =>
  ({ engine }, exchange, id) =>
    run(engine, exchange, {
      _tag: "CheckUpdate",
      id,
      status,
      output: exchange.query.get("note") ?? "",
      from: "heartbeat"
    })

export const updateCheck: Handler = async ({ engine }, exchange, id) => {
  const update = decodeAs(await wholeBody(exchange), "agent.checkUpdate", (fields) => ({
    status: fields.string("Status"),
    output: fields.string("Output")
  }))
  const { status } = update
  if (!isStatus(status)) throw new HttpRefusal(400, `Invalid check status: '${status}'`)
  run(engine, exchange, {
    _tag: "CheckUpdate",
    id,
    status,
    output: truncated(update.output),
    from: "heartbeat"
  })
}

const maxBodyBytes = 4 * 1024 * 1024
const maxOutputLength = 4096

const truncated = (output: string): string =>
  output.length <= maxOutputLength
    ? output
    : `${output.slice(0, maxOutputLength)} ... (captured ${maxOutputLength} of ${output.length} bytes)`

const wholeBody = async (exchange: Exchange): Promise<Buffer> => {
  const body = await exchange.readBody(maxBodyBytes)
  return body._tag === "Whole" ? body.bytes : refuse(413, `Request body(${body.size} bytes) too large`)
}

const run = (engine: ConsulEngine, exchange: Exchange, command: ConsulCommand): void => {
  const reply = engine.execute(command)
  exchange.answer(reply._tag === "Refused" ? text(500, reply.why) : text(200, ""))
}

const given = (id: string, why: string): string => (id === "" ? refuse(500, why) : id)

const serverAddress = (agent: AgentIdentity): string => `${agent.host}:8300`

const memberJson = (agent: AgentIdentity) => ({
  Name: agent.node,
  Addr: agent.host,
  Port: 8301,
  Tags: {
    acls: "0",
    build: `${agent.version}:`,
    dc: agent.datacenter,
    ft_fs: "1",
    id: agent.nodeId,
    port: "8300",
    raft_vsn: "3",
    role: "consul",
    segment: "",
    vsn: "2",
    vsn_max: "3",
    vsn_min: "2",
    wan_join_port: "8302"
  },
  Status: 1,
  ProtocolMin: 1,
  ProtocolMax: 5,
  ProtocolCur: 2,
  DelegateMin: 2,
  DelegateMax: 5,
  DelegateCur: 4
})
