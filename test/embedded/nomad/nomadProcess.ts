import { Effect } from "effect"
import { startEmbeddedNomad } from "../../../src/embedded/nomad/EmbeddedNomad.ts"
import { scripted } from "./scriptedDriver.ts"

/** An embedded Nomad in a process of its own, to be killed. Prints its port; the argument is its folder. */
Effect.runFork(
  Effect.scoped(
    Effect.gen(function* () {
      const { port } = yield* startEmbeddedNomad({ host: "127.0.0.1", port: 0, data: process.argv[2] ?? "" })
      process.stdout.write(`${port}\n`)
      return yield* Effect.never
    })
  ).pipe(Effect.provide(scripted({ long: {} }).layer))
)
