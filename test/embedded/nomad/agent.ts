import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Exit, Scope } from "effect"
import { type EmbeddedNomadOptions, startEmbeddedNomad } from "../../../src/embedded/nomad/EmbeddedNomad.ts"
import { isObject } from "../../../src/embedded/nomad/machine/GoJson.ts"
import { type Called, rawRequest } from "./rawRequest.ts"
import type { Scripted } from "./scriptedDriver.ts"

/** An agent on a free port with a folder of its own, gone with the scope; `stop` ends it earlier, as a shutdown does. */
export const startAgent = Effect.fnUntraced(function* (driver: Scripted, options: Partial<EmbeddedNomadOptions> = {}) {
  const data = options.data ?? (yield* scratchFolder)
  const scope = yield* Scope.fork(yield* Effect.scope, { _tag: "Sequential" })
  const { address } = yield* startEmbeddedNomad({ host: "127.0.0.1", port: 0, ...options, data }).pipe(
    Effect.provide(driver.layer),
    Scope.extend(scope)
  )
  return { address, data, stop: Scope.close(scope, Exit.void), ...callsOf(address) }
})

export const scratchFolder = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "jobforge-nomad-"))),
  (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
)

const callsOf = (address: string) => {
  const call = (method: string, path: string, body?: unknown): Effect.Effect<Called> =>
    Effect.promise(() => rawRequest(`${address}${path}`, method, body))
  const get = (path: string) => call("GET", path)
  /** Polls until the only allocation of a job is as wanted. */
  const allocation = (jobId: string, wanted: (allocation: Readonly<Record<string, unknown>>) => boolean) =>
    Effect.gen(function* () {
      for (;;) {
        const { json } = yield* get(`/v1/job/${encodeURIComponent(jobId)}/allocations`)
        const found = Array.isArray(json) ? json.filter(isObject).find(wanted) : undefined
        if (found !== undefined) return found
        yield* Effect.sleep(20)
      }
    }).pipe(Effect.timeout("10 seconds"))
  const ended = (jobId: string) =>
    allocation(jobId, (row) => ["complete", "failed", "lost"].includes(String(row["ClientStatus"])))
  const running = (jobId: string) => allocation(jobId, (row) => row["ClientStatus"] === "running")
  return { call, get, allocation, ended, running }
}

/** A value deep inside some JSON, `undefined` when the way is barred. */
export const at = (json: unknown, ...path: ReadonlyArray<string | number>): unknown => {
  let value = json
  for (const step of path) {
    if (Array.isArray(value) && typeof step === "number") value = value.at(step)
    else if (isObject(value)) value = value[step]
    else return undefined
  }
  return value
}

export const eventTypes = (allocation: unknown): ReadonlyArray<unknown> => {
  const events = at(allocation, "TaskStates", "main", "Events")
  return Array.isArray(events) ? events.map((event: unknown) => at(event, "Type")) : []
}

/** A job whose task plays the script of that name. */
export const scriptJob = (id: string, script: string, changes: Readonly<Record<string, unknown>> = {}) => ({
  Job: {
    ID: id,
    Type: "batch",
    Datacenters: ["dc1"],
    TaskGroups: [
      {
        Name: "main",
        RestartPolicy: { Attempts: 0, Interval: 60_000_000_000, Mode: "fail" },
        ReschedulePolicy: { Attempts: 0, Unlimited: false },
        Volumes: changes["Volumes"],
        Tasks: [
          {
            Name: "main",
            Driver: "docker",
            Config: { image: "127.0.0.1:5000/base:1", args: [script] },
            KillTimeout: 300_000_000,
            Resources: { CPU: 100, MemoryMB: 64 },
            ...changes
          }
        ]
      }
    ]
  }
})
