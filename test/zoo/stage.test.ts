import { createServer } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Option, Ref } from "effect"
import { decodeHolder } from "../../src/leader/Holder.ts"
import { eventually } from "../support/eventually.ts"
import { freePort } from "../support/freePort.ts"
import { keys, setStage } from "./support/Stage.ts"

/** A port that somebody listens on, until the scope closes. */
const takenPort = Effect.acquireRelease(
  Effect.async<{ readonly port: number; readonly close: () => void }>((resume) => {
    const server = createServer()
    server.listen(0, "127.0.0.1", () => {
      const bound = server.address()
      const port = typeof bound === "object" && bound !== null ? bound.port : 0
      resume(Effect.succeed({ port, close: () => server.close() }))
    })
  }),
  ({ close }) => Effect.sync(close)
)

describe("a replica on the stage", () => {
  it.scopedLive("listens elsewhere when somebody was quicker to take its port", () =>
    Effect.gen(function* () {
      const { consul, serve } = yield* setStage
      const { port } = yield* takenPort
      const free = yield* freePort
      const left = yield* Ref.make<ReadonlyArray<number>>([port, free])
      yield* serve({ ports: Ref.modify(left, ([next = 0, ...rest]) => [next, rest]) })
      yield* eventually(
        "it leads",
        Effect.map(
          Effect.orDie(consul.get(keys.leader)),
          Option.exists(({ value }) =>
            Option.exists(decodeHolder(new TextDecoder().decode(value)), ({ address }) => address.endsWith(`:${free}`))
          )
        )
      )
      assert.deepStrictEqual(yield* Ref.get(left), [])
    })
  )

  it.live("fails the test that it leaves by itself", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(
        Effect.scoped(
          Effect.gen(function* () {
            const { serve } = yield* setStage
            const { port } = yield* takenPort
            yield* Effect.flatMap(serve({ environment: { SERVER_PORT: String(port) } }), (fiber) => fiber.await)
          })
        )
      )
      const cause = Exit.match(exit, { onFailure: Cause.pretty, onSuccess: () => "nothing failed" })
      assert.match(cause, /a replica ended by itself: .*the port is taken/)
    })
  )
})
