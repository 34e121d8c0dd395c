import { getKey } from "../../src/embedded/consul/SortedMap.ts"
import { keys } from "../../test/sim/Replica.ts"
import { World } from "../../test/sim/World.ts"
import { recordText, stepsOfAJob } from "./recordText.ts"

/** What so many jobs cost the controller over the simulator's systems. */
export interface Simulated {
  /** Milliseconds of this process's processor time, and from the first job to the end of the last. */
  readonly cpu: number
  readonly elapsed: number
  /** Changes of keys in Consul, and what crossed the network in either direction. */
  readonly keyChanges: number
  readonly messages: number
  /** What Effect's run loop did for the controller. */
  readonly steps: number
}

/** Runs so many jobs to their success and the end of their cleaning up; one every so many milliseconds of the simulator's time, which costs nothing itself. */
export const simulated = (jobs: number, every: number): Simulated => {
  const operations = Array.from({ length: jobs }, (_, at) => ({
    at: 1000 + every * at,
    operation: { do: "put" as const, name: `job-${at}`, text: recordText(`job-${at}`) }
  }))
  const plan = { seed: undefined, replicas: 1, operations, faults: [], calmAt: 0, instant: true as const }
  const world = new World(plan, false)
  const over = new Set<string>()
  let keyChanges = 0
  world.consul.observe(({ after, keys: changed }) => {
    keyChanges += changed.length
    for (const key of changed) {
      if (!key.startsWith(keys.statuses)) continue
      const entry = getKey(after.kv, key)
      // Understood as the service does it, each of them would be a twentieth of what is measured.
      const text = Buffer.from(entry?.value ?? "", "base64").toString()
      if (text.includes('"status":"FAILED"')) throw new Error(`${key} failed`)
      if (text.includes('"status":"SUCCEEDED"') && times(text, '"outcome":') === stepsOfAJob) over.add(key)
    }
  })
  const before = process.cpuUsage()
  const begun = performance.now()
  world.run(patience, () => over.size === jobs || world.bugs.length > 0)
  const elapsed = performance.now() - begun
  const { system, user } = process.cpuUsage(before)
  if (over.size < jobs) throw new Error(`${jobs - over.size} jobs did not succeed: ${world.bugs.join("; ")}`)
  return { cpu: (system + user) / 1000, elapsed, keyChanges, messages: world.boundaries.count, steps: world.steps }
}

const times = (text: string, part: string): number => text.split(part).length - 1

/** Milliseconds of the simulator's time. */
const patience = 4 * 3_600_000
