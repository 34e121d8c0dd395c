import { afterAll, beforeAll } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { startEmbeddedNomad } from "../../src/embedded/nomad/EmbeddedNomad.ts"
import { startEmbeddedNomadCluster } from "../support/embeddedNomadCluster.ts"
import { shellDriver } from "../support/shellDriver.ts"
import { nomadConformance } from "./nomad.ts"
import type { ScriptTask } from "./nomadArea.ts"

/** The embedded Nomad knows only docker's options; what runs them here is a shell. A `$` begins an interpolation. */
const scriptTask: ScriptTask = (script) => ({
  Driver: "docker",
  Config: { image: "shell", command: "/bin/sh", args: ["-c", script.replaceAll("${", "$${")] }
})

const scratchFolder = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "jobforge-nomad-"))),
  (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
)

/** An agent that keeps its folder and its port. */
const startServer = Effect.gen(function* () {
  const data = yield* scratchFolder
  const life = yield* Effect.scope
  const start = Effect.fnUntraced(function* (port: number) {
    const own = yield* Scope.fork(life, life.strategy)
    const agent = startEmbeddedNomad({ host: "127.0.0.1", port, data }).pipe(Effect.provide(shellDriver))
    const started = yield* Effect.orDie(Scope.extend(agent, own))
    return { ...started, end: Scope.close(own, Exit.void) }
  })
  let running = yield* start(0)
  const { address: first, port } = running
  const restart = Effect.gen(function* () {
    yield* running.end
    running = yield* start(port)
  })
  return { address: first, restart }
})

const scope = Effect.runSync(Scope.make())
let address = ""

beforeAll(async () => {
  const started = Effect.gen(function* () {
    const data = yield* scratchFolder
    return yield* startEmbeddedNomad({ host: "127.0.0.1", port: 0, data })
  })
  const agent = await Effect.runPromise(started.pipe(Effect.provide(shellDriver), Scope.extend(scope)))
  address = agent.address
})
afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

nomadConformance("the embedded Nomad", () => address, {
  scriptTask,
  startNodes: startEmbeddedNomadCluster,
  startServer,
  lacksRetries: "the embedded Nomad refuses restarts and rescheduling by name"
})
