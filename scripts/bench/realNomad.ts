import { setTimeout as pause } from "node:timers/promises"
import { nomadProgram } from "../../test/support/RealNomad.ts"
import { atMost, type Figure, figureUnder } from "./Figure.ts"
import { instantTask } from "./instantGate.ts"
import { type QuickDriver, quickestDriver } from "./quickestDriver.ts"
import { stepsOfAJob } from "./recordText.ts"
import { namesOf, Rig } from "./Rig.ts"
import { timeJobs } from "./timeJobs.ts"

/** (a) The same jobs on a real Nomad, where there is one, beside as many steps that nobody looks at. */
export const overRealNomad = async (jobs: number): Promise<ReadonlyArray<Figure>> => {
  const program = nomadProgram()
  if (program === undefined) return []
  const rig = await Rig.open("any", program)
  try {
    const { counts, cpu, failed, rate } = await timeJobs(rig, 20, jobs)
    await rig.stop()
    const driver = await quickestDriver(rig.nomad)
    const alone = (60_000 * jobs) / (await aloneFor(rig.nomad, driver, stepsOfAJob * jobs))
    const under = `${jobs} jobs of 3 phases written at once, ${rig.consul.kind} Consul, Nomad's ${driver}`
    const figure = figureUnder("a", under)
    return [
      figure("real Nomad", rate, "jobs/min"),
      figure("real Nomad, as many steps alone", alone, "jobs/min"),
      figure("real Nomad, of that", rate / alone, "(ratio)"),
      figure("real Nomad, service's processor time a job", cpu.service, "ms"),
      figure("real Nomad, reconciles a job", counts.reconciles, "", atMost(6)),
      figure("real Nomad, failed passes", failed, "a job", atMost(0))
    ]
  } finally {
    await rig.close()
  }
}

/** Milliseconds that Nomad takes for so many steps that are all registered as fast as it takes them. */
const aloneFor = async (nomad: string, driver: QuickDriver, steps: number): Promise<number> => {
  const names = namesOf("alone", steps)
  const begun = performance.now()
  const left = [...names]
  const register = async () => {
    for (let ID = left.pop(); ID !== undefined; ID = left.pop()) {
      const answer = await fetch(`${nomad}/v1/job/${ID}`, {
        method: "POST",
        body: JSON.stringify({ Job: stepOf(driver, ID) })
      })
      if (!answer.ok) throw new Error(`Nomad took no step: ${await answer.text()}`)
      await answer.arrayBuffer()
    }
  }
  await Promise.all(Array.from({ length: 16 }, register))
  for (;;) {
    const listed: unknown = await (await fetch(`${nomad}/v1/jobs?prefix=alone-`)).json()
    if (!Array.isArray(listed)) throw new Error("Nomad lists no jobs")
    if (listed.length === steps && listed.every(isDead)) return performance.now() - begun
    if (performance.now() - begun > patience) throw new Error("Nomad's own steps did not end")
    await pause(250)
  }
}

const patience = 900_000

const isDead = (job: unknown): boolean =>
  typeof job === "object" && job !== null && "Status" in job && job.Status === "dead"

const stepOf = (driver: QuickDriver, ID: string) => ({
  ID,
  Name: ID,
  Type: "batch",
  Datacenters: ["*"],
  TaskGroups: [
    {
      Name: "main",
      Count: 1,
      RestartPolicy: { Attempts: 0, Mode: "fail" },
      ReschedulePolicy: { Attempts: 0, Unlimited: false },
      EphemeralDisk: { SizeMB: 10 },
      Tasks: [instantTask(driver, undefined, 5_000_000_000)]
    }
  ]
})
