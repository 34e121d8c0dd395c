import { HashMap } from "effect"
import type { World } from "../World.ts"
import type { Oracle } from "./Oracle.ts"

/** What is left over when a run is over: its Nomad jobs, and the temporary image whose cleaning up didn't fail. */
export class Leftovers implements Oracle {
  private readonly world: World
  private readonly report: (violation: string) => void
  /** Runs whose step of cleaning up was tried and ended badly: that is told, and not repeated for ever. */
  private readonly uncleanable = new Set<string>()
  /** Images that a client has pushed while nobody could reach it: its step was given up, and cleaned up after, before that. */
  private readonly strays = new Set<string>()

  constructor(world: World, report: (violation: string) => void) {
    this.world = world
    this.report = report
    world.registry.observe(({ allocationId, digest, image }) => {
      if (digest !== undefined && world.clients.outOfReach.has(allocationId)) this.strays.add(image)
      else this.strays.delete(image)
    })
    world.clients.observe({
      started: () => {},
      ended: ({ job }, exitCode) => {
        const { phase, "build-service-job-id": jobId = "" } = job.Meta ?? {}
        if (phase === "cleanup" && exitCode !== 0) this.uncleanable.add(jobId)
      }
    })
  }

  /** One line each. */
  get all(): ReadonlyArray<string> {
    return [
      ...[...HashMap.values(this.world.nomad.state.jobs)].flatMap(({ ID, Status }) =>
        Status === "dead" ? [] : [`${ID} is ${Status} in Nomad, and belongs to nobody`]
      ),
      ...this.world.clients.running.map(({ nomadJobId }) => `${nomadJobId} still runs, and belongs to nobody`),
      ...this.world.registry.images.flatMap((image) => {
        const [, jobId] = /\/temp\/([^:]*):/.exec(image) ?? []
        return jobId === undefined || this.uncleanable.has(jobId) || this.strays.has(image)
          ? []
          : [`${image} is left behind`]
      })
    ]
  }

  atRest(): void {
    for (const leftover of this.all) this.report(leftover)
  }
}
