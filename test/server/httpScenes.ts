import { assert } from "@effect/vitest"
import { Effect, Layer, Logger, Predicate, Schema, type Scope } from "effect"
import { endlessRef } from "../../scripts/chaos/modelDriver.ts"
import { Consul } from "../../src/consul/Consul.ts"
import { embeddedConsul } from "../support/embeddedConsul.ts"
import { record, setStage, type Stage } from "../zoo/support/Stage.ts"
import { type Answer, httpDesk, type HttpDesk } from "./httpDesk.ts"

const quiet = Logger.remove(Logger.defaultLogger)

/** A replica without a leader: what is written stays as it is. */
export const alone = <A, E>(
  play: (desk: HttpDesk, consul: Consul["Type"]) => Effect.Effect<A, E, Scope.Scope>,
  options: { readonly corsOrigins?: ReadonlyArray<string>; readonly host?: string } = {}
) =>
  Effect.gen(function* () {
    const consul = yield* Consul
    yield* play(yield* httpDesk({ consul, ...options }), consul)
  }).pipe(Effect.provide(Layer.merge(embeddedConsul, quiet)))

/** The whole service, and this replica beside it. */
export const staged = <A, E>(play: (desk: HttpDesk, stage: Stage) => Effect.Effect<A, E, Scope.Scope>) =>
  Effect.gen(function* () {
    const stage = yield* setStage
    yield* stage.serve()
    yield* play(yield* httpDesk({ consul: stage.consul, nomad: stage.nomad }), stage)
  }).pipe(Effect.provide(quiet))

/** What stands in an answer at this place; undefined where there is no such place. */
export const field = (value: unknown, ...path: ReadonlyArray<string | number>): unknown =>
  path.reduce((inner: unknown, key) => {
    if (Array.isArray(inner) && typeof key === "number") return inner[key]
    return Predicate.isRecord(inner) ? inner[key] : undefined
  }, value)

/** The names of an object's fields in the order in which they were sent. */
export const namesOf = (value: unknown): ReadonlyArray<string> => (Predicate.isRecord(value) ? Object.keys(value) : [])

/** The id of a job that was submitted just now. */
export const submitted = (desk: HttpDesk, config: object) =>
  Effect.map(desk.post("/json/submitJob", { job_config: config }), ({ json, status, text }) => {
    assert.strictEqual(status, 200, text)
    return String(field(json, "job_id"))
  })

/** The answer to a question for its status once the job is over. */
export const over = (desk: HttpDesk, id: string) =>
  Effect.gen(function* () {
    let last = yield* desk.ask(`/json/job/${id}/status`)
    while (field(last.json, "status") !== "SUCCEEDED" && field(last.json, "status") !== "FAILED") {
      last = yield* desk.ask(`/json/job/${id}/status?wait=20s&index=${String(field(last.json, "index"))}`)
    }
    return last
  })

/** A job that has succeeded or failed by itself, by its id. */
export const ended = (desk: HttpDesk, config: object) => Effect.tap(submitted(desk, config), (id) => over(desk, id))

export const errorOf = ({ json }: Answer) => ({
  error: field(json, "error"),
  code: field(json, "code"),
  details: field(json, "details")
})

/** Its build ends when somebody ends it. */
export const slow = record("slow", { git_ref: endlessRef })

/** As the interface writes times: UTC, with milliseconds. */
export const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

/** A random UUID. */
export const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

export const strings = Schema.decodeUnknownSync(Schema.Array(Schema.String))
