import * as NodeContext from "@effect/platform-node/NodeContext"
import { Effect } from "effect"
import { Io } from "../../../src/commands/Io.ts"
import { sync } from "../../../src/commands/sync.ts"
import { recordedIo } from "../support/recordedIo.ts"

/** A sync in a process of its own, for a test to kill: `syncProcess.ts FOLDER CONSUL`. */
const [, , folder = "", address = ""] = process.argv

const { io } = recordedIo({ environment: { CONSUL_HTTP_ADDR: address } })

await Effect.runPromise(
  sync(folder, { prune: true }).pipe(
    Effect.provideService(Io, { ...io, out: (text) => Effect.sync(() => void process.stdout.write(text)) }),
    Effect.provide(NodeContext.layer)
  )
)
