import { createInterface } from "node:readline"
import { Effect, Layer } from "effect"
import * as ConsulHttp from "../../src/consul/ConsulHttp.ts"
import * as ConsulLock from "../../src/leader/ConsulLock.ts"
import { whileLeading } from "../../src/leader/LeaderLock.ts"
import * as ThreadPacemaker from "../../src/leader/ThreadPacemaker.ts"

/**
 * A candidate in a process of its own, to be killed and wedged. The arguments are Consul's origin, the key and a name.
 * It prints `leads` and `lost`, and `wedge <ms>` on its stdin keeps it busy for so long.
 */
const [, , origin = "", key = "", name = ""] = process.argv

const work = Effect.zipRight(
  Effect.acquireRelease(
    Effect.sync(() => process.stdout.write("leads\n")),
    () => Effect.sync(() => process.stdout.write("lost\n"))
  ),
  Effect.never
)

const fiber = Effect.runFork(
  whileLeading(() => work).pipe(
    Effect.provide(
      ConsulLock.layer({ key, address: name }).pipe(
        Layer.provide(Layer.merge(ConsulHttp.layerOf({ origin }), ThreadPacemaker.layerOf({ origin })))
      )
    )
  )
)

createInterface({ input: process.stdin }).on("line", (line) => {
  const [, ms] = line.split(" ")
  const until = performance.now() + Number(ms)
  while (performance.now() < until);
  process.stdout.write("free\n")
})

process.once("SIGTERM", () => {
  fiber.addObserver(() => process.exit(0))
  fiber.unsafeInterruptAsFork(fiber.id())
})
