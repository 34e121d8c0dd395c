import { execFile } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { consulProgram } from "../../test/support/RealConsul.ts"
import { bundle } from "../build.ts"
import { asInTheImage } from "./asInTheImage.ts"
import { atLeast, atMost, type Figure, figureUnder } from "./Figure.ts"
import { Rig } from "./Rig.ts"
import { timeJobs } from "./timeJobs.ts"

/**
 * (a) Jobs over the simulator's systems, from their record to the end of their cleaning up, with steps that take no time: as
 * Node is by itself, and with the image's flags, which give processor time for memory.
 */
export const inMemory = async (jobs: number): Promise<ReadonlyArray<Figure>> => {
  const folder = mkdtempSync(join(tmpdir(), "jobforge-bench-"))
  try {
    const program = join(folder, "simulatedProcess.mjs")
    await bundle(program, fileURLToPath(new URL("simulatedProcess.ts", import.meta.url)))
    const under = `${jobs} jobs of 3 instant phases within ${jobs} ms of virtual time, the controller over Consul and Nomad in memory, 1 thread`
    const figure = figureUnder("a", under)
    const plain = await timesOf(program, [], jobs)
    const small = await timesOf(program, asInTheImage, jobs)
    return [
      figure("in memory", 60_000 / plain.elapsed, "jobs/min", atLeast(6000)),
      figure("in memory, processor time a job", plain.cpu, "ms"),
      figure("in memory, with the image's flags", 60_000 / small.elapsed, "jobs/min"),
      figure("in memory, with the image's flags, processor time a job", small.cpu, "ms")
    ]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Milliseconds of one job. */
const timesOf = async (program: string, flags: ReadonlyArray<string>, jobs: number) => {
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, program, String(jobs)])
  const [elapsed = Number.NaN, cpu = Number.NaN] = stdout.split(" ").map(Number)
  return { elapsed, cpu }
}

/** (a) The same through the program itself, over a real Consul where there is one, or over the embedded. */
export const overServers = async (wanted: "any" | "embedded", jobs: number): Promise<ReadonlyArray<Figure>> => {
  if (wanted === "any" && consulProgram() === undefined) return []
  const rig = await Rig.open(wanted)
  try {
    const { counts, cpu, failed, rate } = await timeJobs(rig, 500, jobs)
    const { kind } = rig.consul
    const under = `${jobs} jobs of 3 phases written at once, ${kind} Consul and embedded Nomad over HTTP`
    const figure = figureUnder("a", under)
    return [
      figure(`${kind} Consul`, rate, "jobs/min", kind === "real" ? atLeast(2100) : {}),
      figure(`${kind} Consul, service's processor time a job`, cpu.service, "ms"),
      figure(`${kind} Consul, Consul's processor time a job`, cpu.consul, "ms"),
      figure(`${kind} Consul, Nomad's and bench's processor time a job`, cpu.own, "ms"),
      figure(`${kind} Consul, reconciles a job`, counts.reconciles, "", atMost(6)),
      figure(`${kind} Consul, KV writes a job`, counts.writes, "", atMost(12)),
      figure(`${kind} Consul, requests a job`, counts.requests, ""),
      figure(`${kind} Consul, failed passes`, failed, "a job", atMost(0))
    ]
  } finally {
    await rig.close()
  }
}
