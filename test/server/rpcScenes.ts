import { Effect, type Scope } from "effect"
import { brokenRef, endlessRef } from "../../scripts/chaos/modelDriver.ts"
import { record, setStage, type Stage } from "../zoo/support/Stage.ts"
import { type RpcDesk, rpcDesk, toolResult } from "./rpcDesk.ts"

/** The whole service, and beside it the replica that the test asks. */
export const scene = <A, E>(play: (desk: RpcDesk, stage: Stage) => Effect.Effect<A, E, Scope.Scope>) =>
  Effect.gen(function* () {
    const stage = yield* setStage
    yield* stage.serve()
    return yield* play(yield* rpcDesk(stage), stage)
  })

/** The id of a job that was submitted just now. */
export const submitted = (desk: RpcDesk, config: object) =>
  Effect.map(desk.tool("submitJob", config), (answer) => String(toolResult(answer).structuredContent?.["job_id"]))

/** A job that has ended, by its id. */
export const ended = (desk: RpcDesk, config: object) =>
  Effect.gen(function* () {
    const id = yield* submitted(desk, config)
    yield* desk.tool("waitForJob", { job_id: id, timeout_seconds: 30 })
    return id
  })

export const endless = record("slow", { git_ref: endlessRef })
export const broken = record("broken", { git_ref: brokenRef })
