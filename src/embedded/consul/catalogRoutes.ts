import type { Answer, Exchange } from "../http/EmbeddedServer.ts"
import { catalogServiceJson, checkJson, nodeJson, nodeServiceJson } from "./catalogJson.ts"
import { findChecks, findInstances, findServices } from "./catalogQueries.ts"
import { answerQuery, type ConsulContext, type Handler, json, refuse } from "./ConsulRequest.ts"
import type { Check, ConsulNode, ConsulState } from "./ConsulState.ts"

export const listDatacenters: Handler = ({ agent }, exchange) => exchange.answer(json(exchange, [agent.datacenter]))

export const listNodes: Handler = (context, exchange) =>
  answerTable(context, exchange, {
    topics: ["nodes"],
    index: (state) => state.tables.nodes,
    value: (state) => nodesOf(state).map((node) => nodeJson(node, context.agent))
  })

export const readNode: Handler = (context, exchange, name) => {
  const node = (state: ConsulState) => nodesOf(state).find((node) => node.name === given(name, "node"))
  answerTable(context, exchange, {
    topics: ["nodes", "services"],
    index: (state) => (node(state) === undefined ? 1 : Math.max(state.tables.nodes, state.tables.services)),
    value: (state) => {
      const found = node(state)
      if (found === undefined) return null
      const services = findServices(state).value.map((service) => [service.spec.id, nodeServiceJson(service)])
      return { Node: nodeJson(found, context.agent), Services: Object.fromEntries(services) }
    }
  })
}

export const listServices: Handler = (context, exchange) =>
  answerTable(context, exchange, {
    topics: ["services"],
    index: (state) => findServices(state).index,
    value: (state) => {
      const tags = new Map<string, Set<string>>()
      for (const { spec } of findServices(state).value) {
        const known = tags.get(spec.name) ?? new Set()
        for (const tag of spec.tags) known.add(tag)
        tags.set(spec.name, known)
      }
      const names = [...tags].toSorted(([a], [b]) => (a < b ? -1 : 1))
      return Object.fromEntries(names.map(([name, ofName]) => [name, [...ofName]]))
    }
  })

export const readCatalogService: Handler = (context, exchange, name) => {
  const wanted = tagFilter(exchange)
  const find = (state: ConsulState) => findInstances(state, given(name, "service name"), false)
  answerTable(context, exchange, {
    topics: [`service:${name}`],
    index: (state) => find(state).index,
    value: (state) =>
      nodesOf(state).flatMap((node) =>
        find(state)
          .value.filter(({ service }) => wanted(service.spec.tags))
          .map(({ service }) => catalogServiceJson(node, context.agent, service))
      )
  })
}

export const readServiceHealth: Handler = (context, exchange, name) => {
  const wanted = tagFilter(exchange)
  const onlyPassing = passingOnly(exchange)
  const find = (state: ConsulState) => findInstances(state, given(name, "service name"), true)
  answerTable(context, exchange, {
    topics: [`service:${name}`],
    index: (state) => find(state).index,
    value: (state) =>
      nodesOf(state).flatMap((node) =>
        find(state)
          .value.filter(({ service }) => wanted(service.spec.tags))
          .filter(({ checks }) => !onlyPassing || checks.every((check) => check.status === "passing"))
          .map(({ service, checks }) => ({
            Node: nodeJson(node, context.agent),
            Service: nodeServiceJson(service),
            Checks: checks.map((check) => checkJson(node.name, check))
          }))
      )
  })
}

export const readServiceChecks: Handler = (context, exchange, name) => {
  given(name, "service name")
  answerChecks(context, exchange, (check) => check.serviceName === name)
}

export const readNodeHealth: Handler = (context, exchange, name) => {
  given(name, "node name")
  answerChecks(context, exchange, () => context.agent.node === name)
}

export const readChecksInState: Handler = (context, exchange, status) => {
  given(status, "check state")
  answerChecks(context, exchange, (check) => status === "any" || check.status === status)
}

const answerChecks = (context: ConsulContext, exchange: Exchange, wanted: (check: Check) => boolean): void =>
  answerTable(context, exchange, {
    topics: ["checks"],
    index: (state) => state.tables.checks,
    value: (state) => findChecks(state, wanted).value.map((check) => checkJson(context.agent.node, check))
  })

const answerTable = (
  context: ConsulContext,
  exchange: Exchange,
  table: {
    readonly topics: ReadonlyArray<string>
    readonly index: (state: ConsulState) => number
    readonly value: (state: ConsulState) => unknown
  }
): void =>
  answerQuery(context, exchange, {
    watch: { _tag: "Topics", topics: table.topics },
    index: (state) => Math.max(1, table.index(state)),
    answer: (state): Answer => json(exchange, table.value(state)),
    saysConsistency: true
  })

const nodesOf = (state: ConsulState): ReadonlyArray<ConsulNode> => (state.node === undefined ? [] : [state.node])

const given = (name: string, what: string): string => (name === "" ? refuse(400, `Missing ${what}`) : name)

/** Several tags: those that have all. */
const tagFilter = (exchange: Exchange): ((tags: ReadonlyArray<string>) => boolean) => {
  const wanted = exchange.query.getAll("tag").filter((tag) => tag !== "")
  return (tags) => wanted.every((tag) => tags.some((has) => has.toLowerCase() === tag.toLowerCase()))
}

/** `?passing` alone means true; otherwise what Go's ParseBool takes. */
const passingOnly = (exchange: Exchange): boolean => {
  const value = exchange.query.get("passing")
  if (value === null) return false
  if (["", "1", "t", "T", "TRUE", "true", "True"].includes(value)) return true
  if (["0", "f", "F", "FALSE", "false", "False"].includes(value)) return false
  return refuse(400, "Invalid value for ?passing")
}
