import { Effect, Layer, Option } from "effect"
import { serveHttp } from "../../src/server/httpServer.ts"
import { JobNotFound } from "../../src/server/JobErrors.ts"
import { Jobs } from "../../src/server/Jobs.ts"
import { Limits } from "../../src/server/Limits.ts"
import { logRoutes } from "../../src/server/logRoutes.ts"
import { jobId, type LogWorld } from "./logWorld.ts"

/** Serves the routes over a world of which only these ids are known. */
export const serveLogs = Effect.fnUntraced(function* (world: LogWorld, ids: ReadonlyArray<string> = [jobId]) {
  const jobs = Layer.mock(Jobs, {
    tell: (_name, then) => then(Option.none()),
    tellNewer: () => () => {},
    tellSubmitted: () => {},
    find: (id) => (ids.includes(id) ? world.found() : Effect.fail(new JobNotFound({ id })))
  })
  const limits = Layer.mock(Limits, { request: () => undefined, waiter: () => Effect.void })
  const context = yield* Layer.build(Layer.mergeAll(world.layer, jobs, limits))
  const port = yield* serveHttp(Effect.provide(logRoutes, context), { host: "127.0.0.1", port: 0 })
  return `127.0.0.1:${port}`
})
