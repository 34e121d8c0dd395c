import { Effect, Inspectable, Option, type Redacted, type Scope } from "effect"
import type { ChildState } from "../../src/domain/ChildState.ts"
import type { ApiError } from "../../src/http/ApiError.ts"
import { makeEndpoint, type StreamResponse, type TransportError } from "../../src/http/Transport.ts"
import type { Nomad } from "../../src/nomad/Nomad.ts"
import { outcome } from "../../src/nomad/outcome.ts"
import { nomadClient, plainNomad } from "../support/nomadClient.ts"

/** What a shell script's task is on this server: its `Driver` and `Config`. */
export type ScriptTask = (script: string) => Readonly<Record<string, unknown>>

export const rawExec: ScriptTask = (script) => ({
  Driver: "raw_exec",
  Config: { command: "/bin/sh", args: ["-c", script] }
})

interface JobFields {
  readonly group?: Readonly<Record<string, unknown>>
  readonly task?: Readonly<Record<string, unknown>>
  readonly [field: string]: unknown
}

interface RawAnswer {
  readonly status: number
  readonly text: string
}

/** What one test has to itself: a client, and a job id that its jobs' ids begin with. They are purged afterwards. */
export interface NomadArea {
  readonly nomad: Nomad["Type"]
  /** What the client would not send. */
  readonly raw: (method: "GET" | "PUT", path: string) => Effect.Effect<RawAnswer, TransportError>
  readonly open: (path: string) => Effect.Effect<StreamResponse, TransportError, Scope.Scope>
  readonly id: string
  /** A batch job with one task, which is never started twice by Nomad itself. */
  readonly job: (script: string, fields?: JobFields) => { readonly ID: string }
  readonly state: (id?: string) => Effect.Effect<ChildState, ApiError>
  readonly becomes: <Tag extends ChildState["_tag"]>(
    tag: Tag,
    id?: string
  ) => Effect.Effect<Extract<ChildState, { readonly _tag: Tag }>, ApiError>
  /** Registers and waits until Nomad shows the allocation. */
  readonly run: (script: string, fields?: JobFields) => Effect.Effect<string, ApiError>
  /** Waits until the task has written this to its stdout. */
  readonly says: (allocationId: string, text: string) => Effect.Effect<void, ApiError>
}

const small = { Resources: { CPU: 20, MemoryMB: 32 }, LogConfig: { MaxFiles: 2, MaxFileSizeMB: 5 } }

let areas = 0

export const nomadArea = (
  address: string,
  scriptTask: ScriptTask,
  token: Option.Option<Redacted.Redacted> = Option.none()
): Effect.Effect<NomadArea, never, Scope.Scope> =>
  Effect.gen(function* () {
    const id = `conformance/${process.pid}-${++areas}`
    const nomad = yield* nomadClient({ ...plainNomad(address), token })
    const endpoint = yield* makeEndpoint({ origin: address })
    yield* Effect.addFinalizer(() =>
      nomad.jobs(id).pipe(
        Effect.flatMap(({ value }) => Effect.forEach(value, ({ ID }) => nomad.stop(ID, { purge: true }))),
        Effect.ignore
      )
    )
    const job: NomadArea["job"] = (script, { group, task, ...fields } = {}) => ({
      ID: id,
      Name: id,
      Type: "batch",
      Datacenters: ["dc1"],
      ...fields,
      TaskGroups: [
        {
          Name: "main",
          Count: 1,
          RestartPolicy: { Attempts: 0, Mode: "fail" },
          ReschedulePolicy: { Attempts: 0, Unlimited: false },
          EphemeralDisk: { SizeMB: 20 },
          ...group,
          Tasks: [{ Name: "main", ...scriptTask(script), ...small, ...task }]
        }
      ]
    })
    const state: NomadArea["state"] = (of = id) =>
      Effect.all({ job: nomad.job(of), allocations: nomad.allocations(of), evaluations: nomad.evaluations(of) }).pipe(
        Effect.map(({ allocations, evaluations, job }) => outcome(job, allocations, evaluations))
      )
    const becomes: NomadArea["becomes"] = (tag, of = id) =>
      Effect.gen(function* () {
        for (let looks = 0; ; looks += 1) {
          const seen = yield* state(of)
          if (isOf(tag)(seen)) return seen
          if (looks > 300)
            return yield* Effect.dieMessage(`${of} is ${seen._tag}, not ${tag}: ${Inspectable.toStringUnknown(seen)}`)
          yield* Effect.sleep("50 millis")
        }
      })
    const run: NomadArea["run"] = (script, fields) =>
      Effect.gen(function* () {
        const before = new Set((yield* nomad.allocations(id)).map(({ ID }) => ID))
        yield* nomad.register(job(script, fields))
        for (let looks = 0; ; looks += 1) {
          const placed = (yield* nomad.allocations(id)).find(({ ID }) => !before.has(ID))
          if (placed !== undefined) return placed.ID
          if (looks > 200) return yield* Effect.dieMessage(`${id} isn't placed`)
          yield* Effect.sleep("50 millis")
        }
      })
    const says: NomadArea["says"] = (allocationId, text) =>
      Effect.gen(function* () {
        for (let looks = 0; ; looks += 1) {
          // Until its node has heard of it, Nomad says that it doesn't know the allocation.
          const written = yield* Effect.catchTag(nomad.logs(allocationId, "main", "stdout"), "NotFound", () => nothing)
          if (utf8(written).includes(text)) return
          if (looks > 200) return yield* Effect.dieMessage(`${id} doesn't say ${text}, but: ${utf8(written)}`)
          yield* Effect.sleep("50 millis")
        }
      })
    const raw: NomadArea["raw"] = (method, path) =>
      Effect.map(endpoint.request({ method, path, timeout: "15 seconds" }), ({ body, status }) => ({
        status,
        text: utf8(body)
      }))
    const open: NomadArea["open"] = (path) =>
      endpoint.stream({ method: "GET", path, timeout: "15 seconds" }, "15 seconds")
    return { nomad, raw, open, id, job, state, becomes, run, says }
  })

const nothing = Effect.succeed(new Uint8Array())

const isOf =
  <Tag extends ChildState["_tag"]>(tag: Tag) =>
  (state: ChildState): state is Extract<ChildState, { readonly _tag: Tag }> =>
    state._tag === tag

export const utf8 = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

export const file = (contents: Option.Option<Uint8Array>): string => utf8(Option.getOrThrow(contents))

/** The id of an allocation that there never was. */
export const unknownAllocation = "5f1b1a3c-0000-4000-8000-00000000abcd"
