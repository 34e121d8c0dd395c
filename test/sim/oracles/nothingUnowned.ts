import { HashMap } from "effect"
import type { World } from "../World.ts"
import type { Oracle } from "./Oracle.ts"

/** At rest nothing of ours runs or waits in Nomad, and no temporary image is left of a run that is over. */
export const nothingUnowned = (world: World, report: (violation: string) => void): Oracle => ({
  atRest: () => {
    for (const { ID, Status } of HashMap.values(world.nomad.state.jobs)) {
      if (Status !== "dead") report(`${ID} is ${Status} in Nomad, and belongs to nobody`)
    }
    for (const { nomadJobId } of world.clients.running) report(`${nomadJobId} still runs, and belongs to nobody`)
    for (const image of world.registry.images) {
      if (image.startsWith("registry.sim:5000/temp/")) report(`${image} is left behind`)
    }
  }
})
