import { Schema } from "effect"
import { storedJson } from "./storedJson.ts"

const Holder = Schema.Struct({ name: Schema.String, job_id: Schema.String })

/** The value of a slot's key: the run that has it. */
export type SlotHolder = typeof Holder.Type
export const SlotHolder = storedJson(Holder)
