import { Equal, HashMap } from "effect"
import type { Check, CheckSpec, CheckStatus, Service, ServiceSpec } from "./ConsulState.ts"
import { type Draft, Refusal } from "./Draft.ts"
import { destroySessionsOf } from "./sessionCommands.ts"
import { getKey, removeKey, setKey, valuesUnder } from "./SortedMap.ts"

/** Registers the agent's own node, Consul's own service and `serfHealth`; the same again changes nothing. */
export const registerNode = (
  draft: Draft,
  node: { readonly id: string; readonly name: string; readonly address: string; readonly version: string }
): void => {
  const held = draft.state.node
  if (held?.id !== node.id || held.name !== node.name || held.address !== node.address) {
    const { id, name, address } = node
    const createIndex = held?.createIndex ?? draft.index
    draft.patch({ node: { id, name, address, createIndex, modifyIndex: draft.index } })
    draft.touch("nodes")
    touchAllServices(draft)
  }
  putService(draft, consulService(node.version), false)
  if (getKey(draft.state.checks, serfHealth.id) === undefined) {
    putCheck(draft, newCheck(draft, serfHealth, "Agent alive and reachable"))
  }
}

/** A service that is registered again keeps the state of its checks. */
export const registerService = (
  draft: Draft,
  spec: ServiceSpec,
  checks: ReadonlyArray<CheckSpec>,
  replaceChecks: boolean
): void => {
  putService(draft, spec, true)
  for (const check of checksOf(draft, spec.id))
    if (replaceChecks && !checks.some((wanted) => wanted.id === check.spec.id)) dropCheck(draft, check)
  for (const check of checks) registerCheck(draft, check)
}

export const deregisterService = (draft: Draft, id: string): void => {
  const service = getKey(draft.state.services, id)
  if (service === undefined) return
  for (const check of checksOf(draft, id)) dropCheck(draft, check)
  const { name } = service.spec
  draft.patch({ services: removeKey(draft.state.services, id) })
  // Consul counts the checks as changed even where the service had none.
  draft.touch("services", "checks")
  draft.touchService(name)
  if (valuesUnder(draft.state.services).some((other) => other.spec.name === name)) return
  draft.patch({ serviceIndexes: HashMap.remove(draft.state.serviceIndexes, name) })
  draft.touch("extinction")
}

/** The same check again keeps its status and output; its TTL starts anew. */
export const registerCheck = (draft: Draft, spec: CheckSpec): void => {
  if (spec.serviceId !== "" && getKey(draft.state.services, spec.serviceId) === undefined)
    throw new Refusal(`ServiceID ${JSON.stringify(spec.serviceId)} does not exist`)
  const held = getKey(draft.state.checks, spec.id)
  if (held === undefined) return putCheck(draft, newCheck(draft, spec, ""))
  const fresh = newCheck(draft, { ...spec, status: held.status }, held.output)
  const check = { ...fresh, agentOutput: held.agentOutput, syncAt: held.syncAt, createIndex: held.createIndex }
  if (looksTheSame(held, check)) replaceQuietly(draft, { ...check, modifyIndex: held.modifyIndex })
  else putCheck(draft, check)
  draft.durable = true
}

export const deregisterCheck = (draft: Draft, id: string): void => {
  const check = getKey(draft.state.checks, id)
  if (check !== undefined) dropCheck(draft, check)
}

export interface CheckResult {
  readonly id: string
  readonly status: CheckStatus
  readonly output: string
  readonly from: "heartbeat" | "probe" | "expired" | "serf"
}

/** A changed status is seen, and kills sessions, at once; an output alone is seen after minutes. */
export const updateCheck = (draft: Draft, { id, status, output, from }: CheckResult): void => {
  const held = getKey(draft.state.checks, id)
  const fits = held !== undefined && held.spec.kind._tag === kindOf.get(from)
  if (!fits) {
    if (from === "heartbeat") throw new Refusal(`CheckID ${JSON.stringify(id)} does not have associated TTL`)
    return
  }
  const check: Check = {
    ...held,
    agentOutput: output,
    ttlDeadline: from === "heartbeat" ? ttlDeadline(held.spec, draft.now) : 0,
    deregisterAt: status === "critical" ? held.deregisterAt || deregisterAt(held.spec, draft.now) : 0
  }
  if (status !== held.status) return putCheck(draft, { ...check, status, output, syncAt: 0, modifyIndex: draft.index })
  if (output === held.output) return replaceQuietly(draft, { ...check, syncAt: 0 })
  replaceQuietly(draft, { ...check, syncAt: held.syncAt || draft.now + outputSyncMs })
}

export const syncCheck = (draft: Draft, id: string): void => {
  const held = getKey(draft.state.checks, id)
  if (held === undefined || held.output === held.agentOutput) return
  putCheck(draft, { ...held, output: held.agentOutput, syncAt: 0, modifyIndex: draft.index })
}

/** Every heartbeat's time runs anew. */
export const resumeChecks = (draft: Draft): void => {
  for (const check of valuesUnder(draft.state.checks)) {
    const critical = check.status === "critical"
    replaceQuietly(draft, {
      ...check,
      ttlDeadline: check.ttlDeadline === 0 ? 0 : ttlDeadline(check.spec, draft.now),
      deregisterAt: critical ? deregisterAt(check.spec, draft.now) : 0
    })
  }
}

/** Consul's text for a heartbeat that didn't come. */
export const expiredOutput = (check: Check): string =>
  check.agentOutput === "" || check.agentOutput === "TTL expired"
    ? "TTL expired"
    : `TTL expired (last output before timeout follows): ${check.agentOutput}`

const kindOf = new Map<CheckResult["from"], CheckSpec["kind"]["_tag"]>([
  ["heartbeat", "Ttl"],
  ["expired", "Ttl"],
  ["probe", "Http"],
  ["serf", "Serf"]
])

/** Consul's check_update_interval. */
const outputSyncMs = 5 * 60_000

const serfHealth: CheckSpec = {
  id: "serfHealth",
  name: "Serf Health Status",
  notes: "",
  serviceId: "",
  status: "passing",
  kind: { _tag: "Serf" },
  deregisterAfterMs: 0
}

const consulService = (version: string): ServiceSpec => ({
  id: "consul",
  name: "consul",
  tags: [],
  meta: {
    non_voter: "false",
    raft_version: "3",
    serf_protocol_current: "2",
    serf_protocol_max: "5",
    serf_protocol_min: "1",
    version
  },
  address: "",
  port: 8300,
  passingWeight: 1,
  warningWeight: 1,
  enableTagOverride: false
})

const newCheck = (draft: Draft, spec: CheckSpec, output: string): Check => {
  const service = getKey(draft.state.services, spec.serviceId)?.spec
  const status = spec.status ?? "critical"
  return {
    spec,
    serviceName: service?.name ?? "",
    serviceTags: service?.tags ?? [],
    status,
    output,
    createIndex: draft.index,
    modifyIndex: draft.index,
    agentOutput: output,
    syncAt: 0,
    ttlDeadline: ttlDeadline(spec, draft.now),
    deregisterAt: status === "critical" ? deregisterAt(spec, draft.now) : 0
  }
}

const ttlDeadline = (spec: CheckSpec, now: number): number => (spec.kind._tag === "Ttl" ? now + spec.kind.ttlMs : 0)

const deregisterAt = (spec: CheckSpec, now: number): number =>
  spec.deregisterAfterMs === 0 || spec.serviceId === "" ? 0 : now + Math.max(spec.deregisterAfterMs, minDeregisterMs)

/** Consul takes a shorter wait for a mistake. */
const minDeregisterMs = 60_000

const putService = (draft: Draft, spec: ServiceSpec, ofAgent: boolean): void => {
  const held = getKey(draft.state.services, spec.id)
  if (held !== undefined && held.ofAgent === ofAgent && sameJson(held.spec, spec)) return
  if (held !== undefined && held.spec.name !== spec.name) deregisterService(draft, spec.id)
  const service: Service = {
    spec,
    ofAgent,
    createIndex: held?.createIndex ?? draft.index,
    modifyIndex: draft.index
  }
  draft.patch({ services: setKey(draft.state.services, spec.id, service) })
  draft.touch("services")
  draft.touchService(spec.name)
}

const putCheck = (draft: Draft, check: Check): void => {
  replaceQuietly(draft, check)
  changedCheck(draft, check)
  if (check.status === "critical") destroySessionsOf(draft, check.spec.id)
}

const dropCheck = (draft: Draft, check: Check): void => {
  draft.patch({ checks: removeKey(draft.state.checks, check.spec.id) })
  changedCheck(draft, check)
  destroySessionsOf(draft, check.spec.id)
}

const replaceQuietly = (draft: Draft, check: Check): void => {
  draft.patch({ checks: setKey(draft.state.checks, check.spec.id, check) })
  for (const time of [check.syncAt, check.ttlDeadline, check.deregisterAt]) draft.lookAgainAt(time)
}

/** A check of the node concerns every service on it. */
const changedCheck = (draft: Draft, check: Check): void => {
  draft.touch("checks")
  if (check.spec.serviceId === "") touchAllServices(draft)
  else draft.touchService(check.serviceName)
}

const touchAllServices = (draft: Draft): void => {
  for (const { spec } of valuesUnder(draft.state.services)) draft.touchService(spec.name)
}

const checksOf = (draft: Draft, serviceId: string): ReadonlyArray<Check> =>
  valuesUnder(draft.state.checks).filter((check) => check.spec.serviceId === serviceId)

/** What the catalog shows of a check; the rest is the agent's own. */
const looksTheSame = (a: Check, b: Check): boolean =>
  a.spec.name === b.spec.name &&
  a.spec.notes === b.spec.notes &&
  a.spec.serviceId === b.spec.serviceId &&
  a.spec.kind._tag === b.spec.kind._tag &&
  a.status === b.status &&
  a.output === b.output &&
  sameJson(a.serviceTags, b.serviceTags)

const sameJson = (a: unknown, b: unknown): boolean => Equal.equals(a, b) || JSON.stringify(a) === JSON.stringify(b)
