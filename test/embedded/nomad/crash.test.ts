import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { at, eventTypes, scratchFolder, scriptJob, startAgent } from "./agent.ts"
import { rawRequest } from "./rawRequest.ts"
import { scripted } from "./scriptedDriver.ts"

const processPath = fileURLToPath(new URL("nomadProcess.ts", import.meta.url))

const startProcess = (data: string) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const child = spawn(process.execPath, ["--import", "tsx", processPath, data], {
        stdio: ["ignore", "pipe", "inherit"]
      })
      const port = await new Promise<string>((resolve) =>
        child.stdout.once("data", (chunk) => resolve(String(chunk).trim()))
      )
      return { child, address: `http://127.0.0.1:${port}` }
    }),
    ({ child }) => Effect.promise(() => killed(child))
  )

/** Registers jobs that wait, one after the other, and kills the agent amid them. Gives those that were answered. */
const registerUntilKilled = async (address: string, child: ChildProcess): Promise<ReadonlyArray<string>> => {
  const answered: Array<string> = []
  for (let index = 0; index < 200; index += 1) {
    if (index === 150) setTimeout(() => child.kill("SIGKILL"), 5)
    const id = `job-${index}`
    const job = { ...scriptJob(id, "none").Job, Datacenters: ["nowhere"] }
    const called = await rawRequest(`${address}/v1/jobs`, "POST", { Job: job }).catch(() => undefined)
    if (called === undefined) break
    answered.push(id)
  }
  return answered
}

const killed = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill("SIGKILL")
  await once(child, "exit")
}

it.scopedLive(
  "a killed agent has lost nothing that it answered, and what ran then has failed",
  () =>
    Effect.gen(function* () {
      const data = yield* scratchFolder
      const { child, address } = yield* startProcess(data)
      yield* Effect.promise(() => rawRequest(`${address}/v1/jobs`, "POST", scriptJob("busy", "long")))
      yield* Effect.repeat(
        Effect.promise(() => rawRequest(`${address}/v1/job/busy/allocations`)),
        { until: ({ json }) => at(json, 0, "ClientStatus") === "running" }
      )
      const answered = yield* Effect.promise(() => registerUntilKilled(address, child))
      yield* Effect.promise(() => killed(child))
      assert.isAtLeast(answered.length, 150)
      const driver = scripted({})
      const after = yield* startAgent(driver, { data })
      const listed = yield* after.get("/v1/jobs?prefix=job-")
      const known = new Set(Array.isArray(listed.json) ? listed.json.map((job: unknown) => at(job, "ID")) : [])
      assert.deepStrictEqual(
        answered.filter((id) => !known.has(id)),
        []
      )
      const allocation = yield* after.ended("busy")
      assert.strictEqual(at(allocation, "ClientStatus"), "failed")
      assert.include(eventTypes(allocation), "Driver Failure")
      assert.deepStrictEqual(driver.swept, [at(allocation, "ID")])
    }),
  60_000
)
