import { join } from "node:path"
import { Effect, Exit, Schema, Scope } from "effect"
import { startEmbeddedNomad } from "../../src/embedded/nomad/EmbeddedNomad.ts"
import type { Dice } from "./Dice.ts"
import { modelDriver } from "./modelDriver.ts"
import type { ModelRegistry } from "./ModelRegistry.ts"

const JobList = Schema.Array(Schema.Struct({ ID: Schema.String, Status: Schema.String }))

/** Milliseconds. */
const collectEvery = 3000

/** The embedded Nomad in this process, large enough that nothing waits for room. */
export class ModelNomad {
  readonly port: number
  readonly #scope: Scope.CloseableScope
  #collected = 0
  collections = 0

  private constructor(port: number, scope: Scope.CloseableScope) {
    this.port = port
    this.#scope = scope
  }

  static async start(folder: string, registry: ModelRegistry, dice: Dice): Promise<ModelNomad> {
    const scope = Effect.runSync(Scope.make())
    const { port } = await Effect.runPromise(
      startEmbeddedNomad({
        host: "127.0.0.1",
        port: 0,
        data: join(folder, "nomad"),
        hostVolumes: { "buildah-cache": folder },
        cpu: 10_000_000,
        memoryMb: 10_000_000
      }).pipe(Effect.provide(modelDriver(registry, dice)), Scope.extend(scope))
    )
    return new ModelNomad(port, scope)
  }

  /**
   * Forgets every dead job, as `nomad system gc` makes it; at most once in a while, since it takes all jobs' dead
   * children at once and with fifty jobs some phase ends every moment.
   */
  async collectGarbage(): Promise<void> {
    if (Date.now() - this.#collected < collectEvery) return
    this.#collected = Date.now()
    this.collections++
    await fetch(`http://127.0.0.1:${this.port}/v1/system/gc`, { method: "PUT" })
  }

  /** Jobs that are not dead. */
  async living(): Promise<ReadonlyArray<string>> {
    const answer: unknown = await (await fetch(`http://127.0.0.1:${this.port}/v1/jobs`)).json()
    return Schema.decodeUnknownSync(JobList)(answer).flatMap(({ ID, Status }) => (Status === "dead" ? [] : [ID]))
  }

  stop(): Promise<void> {
    return Effect.runPromise(Scope.close(this.#scope, Exit.void))
  }
}
