import { Schema } from "effect"
import { flag, recordOf, text } from "./optionalFields.ts"

const Driver = Schema.Struct({
  Detected: flag,
  Healthy: flag
})

/** A Nomad client, under Nomad's own names, reduced to what this product reads. */
export const Node = Schema.Struct({
  ID: Schema.String,
  Name: text,
  Datacenter: text,
  NodeClass: text,
  /** `ready`, `down`, `initializing` or `disconnected`. */
  Status: text,
  /** `eligible` or `ineligible`. */
  SchedulingEligibility: text,
  Version: text,
  Drivers: recordOf(Driver),
  /** Host volumes by name. */
  HostVolumes: recordOf(Schema.Struct({ Name: text }))
})
export type Node = typeof Node.Type
