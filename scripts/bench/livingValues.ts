import { readdirSync, readFileSync, rmSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { Option, Schema } from "effect"
import type { ServiceProcess } from "./ServiceProcess.ts"

/** What Node is to be started with, so that it can be asked for a snapshot of its heap. */
export const snapshotsInto = (folder: string): ReadonlyArray<string> => [
  "--heapsnapshot-signal=SIGUSR2",
  `--diagnostic-dir=${folder}`
]

/**
 * How many values the service's own code still holds, after a full collection. What a job leaves behind shows here to the
 * single one, long before the heap's size does: compiled code, which comes and goes, is left out.
 */
export const livingValues = async (service: ServiceProcess, folder: string): Promise<number> => {
  process.kill(service.pid, "SIGUSR2")
  const { name, snapshot } = await written(folder, performance.now() + 60_000)
  rmSync(join(folder, name))
  const { node_fields: fields, node_types: types } = snapshot.snapshot.meta
  const counted = new Set(types[0].flatMap((type, at) => (kinds.has(type) ? [at] : [])))
  const living = snapshot.nodes.filter((value, at) => at % fields.length === 0 && counted.has(value)).length
  if (living === 0) throw new Error("the snapshot of the service's heap has no values: its format is another one")
  return living
}

const kinds: ReadonlySet<unknown> = new Set([
  "object",
  "closure",
  "string",
  "concatenated string",
  "sliced string",
  "number",
  "bigint"
])

/** As V8 writes it; a node's kind is the first of its fields, an index into the first list of types. */
const Snapshot = Schema.parseJson(
  Schema.Struct({
    snapshot: Schema.Struct({
      meta: Schema.Struct({
        node_fields: Schema.Array(Schema.String),
        node_types: Schema.Tuple([Schema.Array(Schema.String)], Schema.Unknown)
      })
    }),
    nodes: Schema.Array(Schema.Number)
  })
)

/** Once all of it is there: it is begun some time after the signal. */
const written = async (folder: string, deadline: number) => {
  for (;;) {
    const name = readdirSync(folder).find((file) => file.endsWith(".heapsnapshot"))
    if (name !== undefined) {
      const snapshot = Schema.decodeUnknownOption(Snapshot)(readFileSync(join(folder, name), "utf8"))
      if (Option.isSome(snapshot)) return { name, snapshot: snapshot.value }
    }
    if (performance.now() > deadline) throw new Error("the service wrote no snapshot of its heap")
    await pause(100)
  }
}
