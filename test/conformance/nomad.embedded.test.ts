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

const scope = Effect.runSync(Scope.make())
let address = ""

beforeAll(async () => {
  const started = Effect.gen(function* () {
    const data = yield* Effect.acquireRelease(
      Effect.promise(() => mkdtemp(join(tmpdir(), "jobforge-nomad-"))),
      (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
    )
    return yield* startEmbeddedNomad({ host: "127.0.0.1", port: 0, data })
  })
  const agent = await Effect.runPromise(started.pipe(Effect.provide(shellDriver), Scope.extend(scope)))
  address = agent.address
})
afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

nomadConformance("the embedded Nomad", () => address, {
  scriptTask,
  startNodes: startEmbeddedNomadCluster,
  lacksRetries: "the embedded Nomad refuses restarts and rescheduling by name"
})
