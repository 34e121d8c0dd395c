import type { AgentIdentity } from "./ConsulRequest.ts"
import type { Check, ConsulNode, Service, ServiceSpec } from "./ConsulState.ts"

/** The node as catalog and health show it. */
export const nodeJson = (node: ConsulNode, { datacenter }: AgentIdentity) => ({
  ...nodeHead(node, datacenter),
  Meta: nodeMeta,
  CreateIndex: node.createIndex,
  ModifyIndex: node.modifyIndex
})

/** A service as `/v1/catalog/service` shows it, flat and with its node. */
export const catalogServiceJson = (node: ConsulNode, { datacenter }: AgentIdentity, service: Service) => ({
  ...nodeHead(node, datacenter),
  NodeMeta: nodeMeta,
  ServiceKind: "",
  ServiceID: service.spec.id,
  ServiceName: service.spec.name,
  ServiceTags: service.spec.tags,
  ServiceAddress: service.spec.address,
  ...taggedAddresses("ServiceTaggedAddresses", service.spec),
  ServiceWeights: weights(service.spec),
  ServiceMeta: service.spec.meta,
  ServicePort: service.spec.port,
  ServiceEnableTagOverride: service.spec.enableTagOverride,
  ServiceProxy: proxy,
  ServiceConnect: {},
  CreateIndex: service.createIndex,
  ModifyIndex: service.modifyIndex
})

/** A service as the catalog's node and health show it. */
export const nodeServiceJson = ({ spec, createIndex, modifyIndex }: Service) => ({
  ID: spec.id,
  Service: spec.name,
  Tags: spec.tags,
  Address: spec.address,
  ...taggedAddresses("TaggedAddresses", spec),
  Meta: Object.keys(spec.meta).length === 0 ? null : spec.meta,
  Port: spec.port,
  Weights: weights(spec),
  EnableTagOverride: spec.enableTagOverride,
  Proxy: proxy,
  Connect: {},
  CreateIndex: createIndex,
  ModifyIndex: modifyIndex
})

/** A service as the agent shows its own. */
export const agentServiceJson = (spec: ServiceSpec) => ({
  ID: spec.id,
  Service: spec.name,
  Tags: spec.tags,
  Meta: spec.meta,
  Port: spec.port,
  Address: spec.address,
  ...taggedAddresses("TaggedAddresses", spec),
  Weights: weights(spec),
  EnableTagOverride: spec.enableTagOverride
})

export const checkJson = (node: string, check: Check) => ({
  ...checkHead(node, check),
  Output: check.output,
  ...checkTail(check),
  CreateIndex: check.createIndex,
  ModifyIndex: check.modifyIndex
})

/** The agent knows no indexes, but the latest output. */
export const agentCheckJson = (node: string, check: Check) => ({
  ...checkHead(node, check),
  Output: check.agentOutput,
  ...checkTail(check),
  CreateIndex: 0,
  ModifyIndex: 0
})

const nodeMeta = { "consul-network-segment": "" }

const proxy = { MeshGateway: {}, Expose: {} }

const nodeHead = (node: ConsulNode, datacenter: string) => ({
  ID: node.id,
  Node: node.name,
  Address: node.address,
  Datacenter: datacenter,
  TaggedAddresses: { lan: node.address, lan_ipv4: node.address, wan: node.address, wan_ipv4: node.address }
})

const weights = (spec: ServiceSpec) => ({ Passing: spec.passingWeight, Warning: spec.warningWeight })

const taggedAddresses = (name: string, { address, port }: ServiceSpec) => {
  if (address === "") return {}
  const version = address.includes(":") ? "ipv6" : "ipv4"
  const tagged = { Address: address, Port: port }
  return { [name]: { [`lan_${version}`]: tagged, [`wan_${version}`]: tagged } }
}

const checkHead = (node: string, { spec, status }: Check) => ({
  Node: node,
  CheckID: spec.id,
  Name: spec.name,
  Status: status,
  Notes: spec.notes
})

const checkTail = ({ spec, serviceName, serviceTags }: Check) => ({
  ServiceID: spec.serviceId,
  ServiceName: serviceName,
  ServiceTags: serviceTags,
  Type: checkTypes[spec.kind._tag],
  Definition: {}
})

const checkTypes = { Ttl: "ttl", Http: "http", Serf: "" } as const
