import { afterAll, beforeAll } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { startEmbeddedConsul } from "../../src/embedded/consul/EmbeddedConsul.ts"
import { consulConformance } from "./consul.ts"

const scope = Effect.runSync(Scope.make())
let address = ""

beforeAll(async () => {
  const started = await Effect.runPromise(Scope.extend(startEmbeddedConsul({ host: "127.0.0.1", port: 0 }), scope))
  address = started.address
})
afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

const startAgent = Effect.fnUntraced(function* (keepsData: boolean) {
  const folder = yield* Effect.acquireRelease(
    Effect.promise(() => mkdtemp(join(tmpdir(), "jobforge-consul-"))),
    (path) => Effect.promise(() => rm(path, { recursive: true, force: true }))
  )
  const life = yield* Effect.scope
  const start = Effect.fnUntraced(function* (port: number) {
    const own = yield* Scope.fork(life, life.strategy)
    const options = { host: "127.0.0.1", port, ...(keepsData ? { data: folder } : {}) }
    const started = yield* Effect.orDie(Scope.extend(startEmbeddedConsul(options), own))
    return { ...started, end: Scope.close(own, Exit.void) }
  })
  let running = yield* start(0)
  const { address, port } = running
  const restart = Effect.gen(function* () {
    yield* running.end
    running = yield* start(port)
  })
  return { address, restart }
})

consulConformance("the embedded Consul", () => address, {
  startAgent,
  lacksPatience: "a minute and more, which test/embedded/consul/machine.test.ts takes on a clock of its own"
})
