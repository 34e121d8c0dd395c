import { describe } from "@effect/vitest"
import type { Effect, Scope } from "effect"
import { rawExec, type ScriptTask } from "./nomadArea.ts"
import { clusterConformance } from "./nomadCluster.ts"
import { eventConformance } from "./nomadEvents.ts"
import { fileConformance } from "./nomadFiles.ts"
import { jobConformance } from "./nomadJobs.ts"
import { nodeConformance, type NomadNodes } from "./nomadNodes.ts"
import { nomadOutageConformance, type NomadOutageOptions } from "./nomadOutages.ts"
import { outputConformance } from "./nomadOutput.ts"
import { placementConformance } from "./nomadPlacement.ts"
import { purgeConformance } from "./nomadPurge.ts"
import { taskConformance } from "./nomadTasks.ts"

export interface NomadConformanceOptions extends NomadOutageOptions {
  /** Servers of a test's own. */
  readonly startNodes: Effect.Effect<NomadNodes, never, Scope.Scope>
  /** How a shell script becomes a task on the server at hand; `raw_exec` unless said otherwise. */
  readonly scriptTask?: ScriptTask
  /** Why the server doesn't start again what failed; none when it does. */
  readonly lacksRetries?: string
}

/**
 * What this project relies on in Nomad, asked of whatever answers at `address` (`http://host:port`, read when a test
 * starts): one node in datacenter `dc1` of region `global`. The same tests run against the embedded server and against
 * a real Nomad: where they differ, the embedded one is wrong.
 *
 * One after another, the garbage collection last, since it reaches every finished job.
 */
export const nomadConformance = (
  name: string,
  address: () => string,
  { scriptTask = rawExec, lacksRetries, startNodes, ...outages }: NomadConformanceOptions
): void => {
  describe(`${name} does what is relied on in Nomad`, () => {
    fileConformance(address, scriptTask)
    outputConformance(address, scriptTask)
    eventConformance(address, scriptTask)
    taskConformance(address, scriptTask, lacksRetries)
    placementConformance(address, scriptTask)
    purgeConformance(address, scriptTask)
    nodeConformance(startNodes, scriptTask)
    nomadOutageConformance(outages, scriptTask)
    clusterConformance(address, scriptTask)
    jobConformance(address, scriptTask)
  })
}
