import { Effect } from "effect"
import { startEmbeddedConsul } from "../../../src/embedded/consul/EmbeddedConsul.ts"

/** An embedded Consul in a process of its own, to be killed. Prints its port; the argument is its folder. */
Effect.runFork(
  Effect.scoped(
    Effect.gen(function* () {
      const { port } = yield* startEmbeddedConsul({ host: "127.0.0.1", port: 0, data: process.argv[2] ?? "" })
      process.stdout.write(`${port}\n`)
      return yield* Effect.never
    })
  )
)
