import { Option } from "effect"
import { getKey } from "../../src/embedded/consul/SortedMap.ts"
import { statusValue } from "../../src/store/statusValue.ts"
import { keys } from "../../test/sim/Replica.ts"
import { World } from "../../test/sim/World.ts"
import { recordText } from "./Rig.ts"

/** What so many jobs cost the controller over the simulator's systems. */
export interface Simulated {
  /** Milliseconds of this process's processor time. */
  readonly cpu: number
  /** Changes of keys in Consul, and what crossed the network in either direction. */
  readonly keyChanges: number
  readonly messages: number
}

/** Runs so many jobs to their success; one every 200 ms of the simulator's time, which costs nothing itself. */
export const simulated = (jobs: number): Simulated => {
  const operations = Array.from({ length: jobs }, (_, at) => ({
    at: 1000 + 200 * at,
    operation: { do: "put" as const, name: `job-${at}`, text: recordText(`job-${at}`) }
  }))
  const world = new World({ seed: undefined, replicas: 1, operations, faults: [], calmAt: 0 }, false)
  const succeeded = new Set<string>()
  let keyChanges = 0
  world.consul.observe(({ after, keys: changed }) => {
    keyChanges += changed.length
    for (const key of changed) {
      if (!key.startsWith(keys.statuses)) continue
      const entry = getKey(after.kv, key)
      const status = entry === undefined ? Option.none() : statusValue.decode(Buffer.from(entry.value, "base64"))
      if (Option.exists(status, ({ status }) => status === "FAILED")) throw new Error(`${key} failed`)
      if (Option.exists(status, ({ status }) => status === "SUCCEEDED")) succeeded.add(key)
    }
  })
  const before = process.cpuUsage()
  world.run(patience, () => succeeded.size === jobs || world.bugs.length > 0)
  const { system, user } = process.cpuUsage(before)
  if (succeeded.size < jobs) throw new Error(`${jobs - succeeded.size} jobs did not succeed: ${world.bugs.join("; ")}`)
  return { cpu: (system + user) / 1000, keyChanges, messages: world.boundaries.count }
}

/** Milliseconds of the simulator's time. */
const patience = 4 * 3_600_000
