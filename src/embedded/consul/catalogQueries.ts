import { HashMap, Option } from "effect"
import type { Check, ConsulState, Service, Session } from "./ConsulState.ts"
import type { Found } from "./kvQueries.ts"
import { getKey, valuesUnder } from "./SortedMap.ts"

/** The instances of a service with the checks that count for each: the node's first, then its own. */
export const findInstances = (
  state: ConsulState,
  name: string,
  withChecks: boolean
): Found<ReadonlyArray<{ readonly service: Service; readonly checks: ReadonlyArray<Check> }>> => {
  const services = valuesUnder(state.services).filter((service) => service.spec.name === name)
  const checks = valuesUnder(state.checks)
  const ofNode = checks.filter((check) => check.spec.serviceId === "")
  return {
    index: serviceIndex(state, name, services.length > 0, withChecks),
    value: services.map((service) => ({
      service,
      checks: [...ofNode, ...checks.filter((check) => check.spec.serviceId === service.spec.id)]
    }))
  }
}

export const findServices = (state: ConsulState): Found<ReadonlyArray<Service>> => ({
  index: Math.max(1, state.tables.services),
  value: valuesUnder(state.services)
})

export const findChecks = (state: ConsulState, wanted: (check: Check) => boolean): Found<ReadonlyArray<Check>> => ({
  index: Math.max(1, state.tables.checks),
  value: valuesUnder(state.checks).filter(wanted)
})

export const findSession = (state: ConsulState, id: string): Found<ReadonlyArray<Session>> => {
  const session = getKey(state.sessions, id)
  return { index: Math.max(1, state.tables.sessions), value: session === undefined ? [] : [session] }
}

export const findSessions = (state: ConsulState): Found<ReadonlyArray<Session>> => ({
  index: Math.max(1, state.tables.sessions),
  value: valuesUnder(state.sessions)
})

/** Consul keeps an index per service, and for those that don't exist the time when the last one went. */
const serviceIndex = (state: ConsulState, name: string, exists: boolean, withChecks: boolean): number => {
  const { nodes, services, checks, extinction } = state.tables
  if (!exists && extinction > 0) return extinction
  const own = exists ? HashMap.get(state.serviceIndexes, name) : Option.none<number>()
  return Option.getOrElse(own, () => Math.max(1, nodes, services, withChecks ? checks : 0))
}
