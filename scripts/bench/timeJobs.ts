import { namesOf, type Rig } from "./Rig.ts"
import { type Counts, countsAJob, type Scrape } from "./Scrape.ts"
import { cpuOf } from "./ServiceProcess.ts"

export interface Timed {
  /** Jobs a minute, from the first record to the end of the last cleaning up. */
  readonly rate: number
  readonly counts: Counts
  /** Passes a job that failed. */
  readonly failed: number
  /** Milliseconds of processor time a job, of each process. */
  readonly cpu: { readonly service: number; readonly consul: number; readonly own: number }
}

/** Runs so many jobs at once, on a service that has run some before: its code is compiled by then. */
export const timeJobs = async (rig: Rig, warm: number, jobs: number): Promise<Timed> => {
  const service = await rig.serve()
  await service.settled()
  const first = namesOf("warm", Math.min(warm, jobs))
  await rig.put(first)
  await rig.ended(first)
  const names = namesOf("job", jobs)
  await service.settled()
  const before = { scrape: await service.scrape(), cpu: used(rig) }
  const begun = Date.now()
  await rig.put(names)
  const statuses = await rig.ended(names)
  const last = Math.max(...statuses.flatMap(({ attempts }) => attempts.map(({ outcome }) => outcome?.at ?? 0)))
  await service.settled()
  const after = { scrape: await service.scrape(), cpu: used(rig) }
  return {
    rate: (60_000 * jobs) / (last - begun),
    counts: countsAJob(before.scrape, after.scrape, jobs),
    failed: (failedIn(after.scrape) - failedIn(before.scrape)) / jobs,
    cpu: {
      service: (after.cpu.service - before.cpu.service) / jobs,
      consul: (after.cpu.consul - before.cpu.consul) / jobs,
      own: (after.cpu.own - before.cpu.own) / jobs
    }
  }
}

const failedIn = (scrape: Scrape): number => scrape.sum("controller_runtime_reconcile_errors_total")

const used = (rig: Rig): Timed["cpu"] => ({
  service: rig.service.cpu(),
  consul: cpuOf(rig.consul.pid),
  own: cpuOf(process.pid)
})
