import type { NomadNode } from "./NomadState.ts"

/** A node as `GET /v1/node/<id>` shows it. */
export const nodeView = (node: NomadNode) => ({
  ...nodeStub(node),
  Attributes: node.Attributes,
  Meta: node.Meta,
  HTTPAddr: node.HTTPAddr,
  SecretID: "",
  TLSEnabled: false,
  NodeResources: {
    Cpu: { CpuShares: node.Cpu, TotalCpuCores: Number(node.Attributes["cpu.numcores"] ?? "1") },
    Memory: { MemoryMB: node.MemoryMB },
    Disk: { DiskMB: node.DiskMB },
    Devices: node.Devices.map(({ Vendor, Type, Name, Count }) => ({
      Vendor,
      Type,
      Name,
      Instances: Array.from({ length: Count }, (_, index) => ({ ID: `${Name}-${index}`, Healthy: true }))
    })),
    Networks: null
  },
  ReservedResources: {
    Cpu: { CpuShares: 0 },
    Memory: { MemoryMB: 0 },
    Disk: { DiskMB: 0 },
    Networks: { ReservedHostPorts: "" }
  },
  DrainStrategy: null,
  Events: null,
  Links: null
})

/** A node as the list shows it. */
export const nodeStub = (node: NomadNode) => ({
  Address: node.Address,
  ID: node.ID,
  Datacenter: node.Datacenter,
  Name: node.Name,
  NodePool: node.NodePool,
  NodeClass: node.NodeClass,
  Version: node.Attributes["nomad.version"] ?? "",
  Drain: node.Drain,
  SchedulingEligibility: node.SchedulingEligibility,
  Status: node.Status,
  StatusDescription: "",
  Drivers: Object.fromEntries(
    node.Drivers.map((name) => [
      name,
      { Attributes: { [`driver.${name}`]: "true" }, Detected: true, Healthy: true, HealthDescription: "Healthy" }
    ])
  ),
  HostVolumes: node.HostVolumes,
  LastDrain: null,
  CreateIndex: node.CreateIndex,
  ModifyIndex: node.ModifyIndex
})
