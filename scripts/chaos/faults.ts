import { setTimeout as sleep } from "node:timers/promises"
import type { ConsulServer } from "./ConsulServer.ts"
import type { Dice } from "./Dice.ts"
import type { Replica } from "./Replica.ts"

export interface Targets {
  readonly consul: ConsulServer
  readonly replicas: ReadonlyArray<Replica>
}

type Fault = "replica killed" | "replica restarted" | "consul restarted" | "connections cut" | "connections held"

const mix: ReadonlyArray<readonly [Fault, number]> = [
  ["replica killed", 6],
  ["replica restarted", 2],
  ["connections cut", 4],
  ["connections held", 2],
  ["consul restarted", 1]
]

/** Milliseconds between two faults. */
const pause = { least: 1500, most: 5000 }

/** Breaks something every few seconds until it is told to end; then everything is whole again. Counts what it did. */
export const breakThings = async (
  { consul, replicas }: Targets,
  dice: Dice,
  goingOn: () => boolean,
  say: (line: string) => void
): Promise<ReadonlyMap<Fault, number>> => {
  const counts = new Map<Fault, number>()
  while (goingOn()) {
    await sleep(dice.between(pause.least, pause.most))
    if (!goingOn()) break
    const fault = dice.pick(mix)
    const replica = dice.pick(replicas.map((one) => [one, 1] as const))
    counts.set(fault, (counts.get(fault) ?? 0) + 1)
    say(`${fault}${fault === "consul restarted" ? "" : ` (${replica.name}, process ${replica.pid})`}`)
    await inflict(fault, consul, replica, dice)
  }
  return counts
}

const inflict = async (fault: Fault, consul: ConsulServer, replica: Replica, dice: Dice): Promise<void> => {
  const proxy = dice.pick([
    [replica.consul, 1],
    [replica.nomad, 1]
  ])
  switch (fault) {
    case "replica killed":
    case "replica restarted":
      await replica.end(fault === "replica killed" ? "SIGKILL" : "SIGTERM")
      await sleep(dice.between(0, 1000))
      return replica.boot()
    case "consul restarted":
      await consul.kill()
      await sleep(dice.between(0, 1000))
      return consul.boot()
    case "connections cut":
      return proxy.cut()
    case "connections held":
      proxy.hold()
      await sleep(dice.between(500, 3000))
      return proxy.release()
  }
}
