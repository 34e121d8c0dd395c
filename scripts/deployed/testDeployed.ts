import type { JobInput } from "../../src/api/Requests.ts"
import type { JobForge } from "../../src/client/JobForge.ts"
import { writeResult } from "./results.ts"

export interface DeployedTest {
  readonly client: JobForge
  readonly job: JobInput
  readonly folder: string
  /** Milliseconds that each job may take. */
  readonly patience: number
  readonly say: (line: string) => void
}

/** The image's greeting as it is, and with a variable of the test's environment. */
const greetings = [
  { env: undefined, expected: "Hello World" },
  { env: { WORLD: "Claude" }, expected: "Hello Claude" }
] as const

/** Submits the job once for each greeting and answers with what was wrong; with nothing if all was as it should be. */
export const testDeployed = async (test: DeployedTest): Promise<ReadonlyArray<string>> => {
  const faults: Array<string> = []
  for (const greeting of greetings) {
    const { env } = greeting
    const job = { ...test.job, test: { entry_point: true, ...(env === undefined ? {} : { env }) } }
    faults.push(...(await testOne(test, job, greeting.expected)))
  }
  return faults
}

const testOne = async (
  { client, folder, patience, say }: DeployedTest,
  job: JobInput,
  expected: string
): Promise<ReadonlyArray<string>> => {
  const began = Date.now()
  const { job_id: id } = await client.submitJob(job)
  say(`${id} submitted, whose test is to print ${JSON.stringify(expected)}`)
  try {
    await client.wait(id, { timeout: patience })
  } catch (error) {
    say(`${id} is not over within ${Math.round(patience / 1000)} s, or can't be followed: it is ended`)
    // What it came to so far is told below; the reason why it took so long is in its logs.
    await client.killJob(id).catch(() => undefined)
    say(String(error))
  }
  const duration = Date.now() - began
  const state = await client.getStatus(id)
  const { logs } = await client.getLogs(id)
  const greeted = logs.test.some((line) => line.endsWith(`] ${expected}`))
  const file = await writeResult(folder, {
    jobId: id,
    buildSuccess: state.metrics.build_end !== undefined && state.failed_phase !== "build",
    testSuccess: greeted && state.metrics.test_end !== undefined && state.failed_phase !== "test",
    buildLogs: logs.build,
    testLogs: logs.test,
    at: new Date(),
    duration
  })
  say(`${id} ended as ${state.status} after ${(duration / 1000).toFixed(1)} s: ${file}`)
  return [
    ...(state.status === "SUCCEEDED" ? [] : [`${id} ended as ${state.status}: ${state.error ?? "it is not over"}`]),
    ...(greeted ? [] : [`${id}: no line of its test's log is ${JSON.stringify(expected)}`])
  ]
}
