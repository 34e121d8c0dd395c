import { Schema } from "effect"

/** A driver whose tasks end at once. Only a Nomad that isn't built as a release has the first. */
export type QuickDriver = "mock_driver" | "raw_exec"

const Nodes = Schema.Array(
  Schema.Struct({ Drivers: Schema.Record({ key: Schema.String, value: Schema.Struct({ Healthy: Schema.Boolean }) }) })
)

const decode = Schema.decodeUnknownSync(Nodes)

/** The one that costs a Nomad's nodes least. */
export const quickestDriver = async (nomad: string): Promise<QuickDriver> => {
  const nodes = decode(await (await fetch(`${nomad}/v1/nodes`)).json())
  return nodes.every(({ Drivers }) => Drivers["mock_driver"]?.Healthy === true) ? "mock_driver" : "raw_exec"
}
