import { type Option, Schema } from "effect"

const Holder = Schema.Struct({ name: Schema.String, job_id: Schema.String })

/** The value of a slot's key: the run that has it. */
export type SlotHolder = typeof Holder.Type

const HolderJson = Schema.parseJson(Holder)
const decodeText = Schema.decodeUnknownOption(HolderJson)

export const SlotHolder = {
  encode: Schema.encodeSync(HolderJson),
  decode: (value: Uint8Array): Option.Option<SlotHolder> => decodeText(new TextDecoder().decode(value))
}
