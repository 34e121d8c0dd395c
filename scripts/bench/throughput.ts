import { cpuOf } from "./ServiceProcess.ts"
import { atLeast, atMost, type Figure } from "./Figure.ts"
import { namesOf, Rig } from "./Rig.ts"
import { countsAJob, type Scrape } from "./Scrape.ts"
import { simulated } from "./simulated.ts"

export interface ThroughputLoad {
  readonly jobs: number
  /** Of those that run on the simulator's systems. */
  readonly simulatedJobs: number
}

/** (a) Jobs from their record to the end of their cleaning up, with steps that take no time. */
export const throughput = async (load: ThroughputLoad): Promise<ReadonlyArray<Figure>> => [
  ...(process.env["CONSUL_BIN"] === undefined ? [] : await overServers("any", load.jobs)),
  ...(await overServers("embedded", load.jobs)),
  // Last, for its heap would be a burden to the embedded Nomad, which lives in this process.
  ...simulatedFigures(load.simulatedJobs)
]

const simulatedFigures = (jobs: number): ReadonlyArray<Figure> => {
  simulated(Math.ceil(jobs / 4))
  const { cpu } = simulated(jobs)
  const under = `${jobs} jobs of 3 phases, the controller over Consul and Nomad in memory, virtual time, 1 thread; by processor time`
  return [
    { load: "a", name: "in memory", value: (60_000 * jobs) / cpu, unit: "jobs/min", under, ...atLeast(6000) },
    { load: "a", name: "in memory, processor time a job", value: cpu / jobs, unit: "ms", under }
  ]
}

const overServers = async (wanted: "any" | "embedded", jobs: number): Promise<ReadonlyArray<Figure>> => {
  const rig = await Rig.open(wanted)
  try {
    const service = await rig.serve()
    await service.settled()
    // What is sustained is what a service does that has run for a while: its code is compiled by then.
    const warm = namesOf("warm", Math.min(500, jobs))
    await rig.put(warm)
    await rig.ended(warm)
    const names = namesOf("job", jobs)
    const before = await service.scrape()
    const [cpu, consulCpu, ownCpu] = [service.cpu(), cpuOf(rig.consul.pid), cpuOf(process.pid)]
    const begun = Date.now()
    await rig.put(names)
    const statuses = await rig.ended(names)
    const last = Math.max(...statuses.map(({ times }) => times.job_end ?? 0))
    const after = await service.scrape()
    const elapsed = last - begun
    const { kind } = rig.consul
    const under = `${jobs} jobs of 3 phases written at once, ${kind} Consul and embedded Nomad over HTTP`
    const figure = (name: string, value: number, unit: string, goal: Pick<Figure, "goal"> = {}): Figure => ({
      load: "a",
      name: `${kind} Consul${name}`,
      value,
      unit,
      under,
      ...goal
    })
    const counts = countsAJob(before, after, jobs)
    const failed = (scrape: Scrape) => scrape.sum("controller_runtime_reconcile_errors_total")
    return [
      figure("", (60_000 * jobs) / elapsed, "jobs/min", kind === "real" ? atLeast(2100) : {}),
      figure(", service's processor time a job", (service.cpu() - cpu) / jobs, "ms"),
      figure(", Consul's processor time a job", (cpuOf(rig.consul.pid) - consulCpu) / jobs, "ms"),
      figure(", Nomad's and bench's processor time a job", (cpuOf(process.pid) - ownCpu) / jobs, "ms"),
      figure(", reconciles a job", counts.reconciles, "", atMost(6)),
      figure(", KV writes a job", counts.writes, "", atMost(12)),
      figure(", requests a job", counts.requests, ""),
      figure(", failed passes", (failed(after) - failed(before)) / jobs, "a job", atMost(0))
    ]
  } finally {
    await rig.close()
  }
}
