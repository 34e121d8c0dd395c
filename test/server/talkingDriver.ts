import { Deferred, Effect, Layer } from "effect"
import { Dice } from "../../scripts/chaos/Dice.ts"
import { modelDriver } from "../../scripts/chaos/modelDriver.ts"
import type { ModelRegistry } from "../../scripts/chaos/ModelRegistry.ts"
import { type TaskContext, TaskDriver } from "../../src/embedded/nomad/TaskDriver.ts"

/** What each task wrote, by its Nomad job and the stream. */
export type Written = Map<string, Array<Buffer>>

/** Steps as the model has them, which say what a test wants to hear; one ends when it has said it all. */
export const talkingDriver =
  (
    written: Written,
    talk: (say: (stream: "stdout" | "stderr", text: string) => void, task: TaskContext) => Effect.Effect<void>
  ) =>
  (registry: ModelRegistry): Layer.Layer<TaskDriver> =>
    Layer.effect(
      TaskDriver,
      Effect.map(TaskDriver, (model) => ({
        ...model,
        start: Effect.fnUntraced(function* (context: TaskContext) {
          const write = (stream: "stdout" | "stderr") => (chunk: Uint8Array) => {
            const key = `${context.jobId} ${stream}`
            written.set(key, [...(written.get(key) ?? []), Buffer.from(chunk)])
            context[stream](chunk)
          }
          const said = yield* Deferred.make<void>()
          const task = yield* model.start({ ...context, stdout: write("stdout"), stderr: write("stderr") })
          yield* talk((stream, text) => write(stream)(Buffer.from(text)), context).pipe(
            Effect.zipRight(Deferred.succeed(said, undefined)),
            Effect.forkScoped
          )
          return {
            wait: Effect.zipLeft(task.wait, Deferred.await(said)),
            signal: (name) => Effect.zipRight(Deferred.succeed(said, undefined), task.signal(name))
          }
        })
      }))
    ).pipe(Layer.provide(modelDriver(registry, new Dice(1))))
