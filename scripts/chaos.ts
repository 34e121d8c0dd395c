import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { setTimeout as pause } from "node:timers/promises"
import { bundle } from "./build.ts"
import { ConsulServer } from "./chaos/ConsulServer.ts"
import { Dice } from "./chaos/Dice.ts"
import { breakThings } from "./chaos/faults.ts"
import { followJob, type Report, type Scene } from "./chaos/followJob.ts"
import { ModelNomad } from "./chaos/ModelNomad.ts"
import { ModelRegistry } from "./chaos/ModelRegistry.ts"
import { makePlan } from "./chaos/plans.ts"
import { Replica } from "./chaos/Replica.ts"
import { Store } from "./chaos/Store.ts"

const say = (line: string): void => console.log(`${new Date().toISOString().slice(11, 23)} ${line}`)

/** Milliseconds that a job may take, faults included: beyond it, it is stuck. */
const patience = 180_000

/** Milliseconds of rest after which a write or a living Nomad job counts as a fault. */
const quietTime = 5000

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "2" },
    jobs: { type: "string", default: "50" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    replicas: { type: "string", default: "2" },
    keep: { type: "boolean", default: false }
  }
})

const environment = {
  LOG_LEVEL: "info",
  NOMAD_DATACENTERS: "dc1",
  VAULT_ENABLED: "false",
  KILL_TIMEOUT: "5s",
  RETRY_BACKOFF: "200ms",
  // Garbage is collected all the time here: each collection may cost a child that wasn't looked at yet.
  MAX_ATTEMPTS: "5",
  DEFAULT_DISK_LIMIT: "500",
  DEFAULT_TEST_DISK_LIMIT: "500",
  DEFAULT_PUBLISH_DISK_LIMIT: "500"
}

/** Keeps so many jobs going until time is up, then waits for the last of them. */
const runJobs = async (scene: Scene, dice: Dice, atOnce: number, goingOn: () => boolean) => {
  let number = 0
  const reports: Array<Report> = []
  const work = async (): Promise<void> => {
    while (goingOn()) {
      const report = await followJob(scene, makePlan(dice, ++number), patience)
      reports.push(report)
      for (const fault of report.faults) say(`FAULT ${report.plan.name} (${report.plan.kind}) ${fault}`)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  return reports
}

/** What must hold once everything has ended: nothing lives in Nomad, nothing is left, nothing is written any more. */
const faultsAtRest = async ({ store, nomad, registry }: Scene): Promise<ReadonlyArray<string>> => {
  const before = await store.statusIndexes()
  await pause(quietTime)
  const slots = await store.names("jobforge-service/slots/")
  const requests = await store.names("jobforge-service/requests/")
  return [
    ...(before === (await store.statusIndexes()) ? [] : ["statuses are still written at rest"]),
    ...(await nomad.living()).map((id) => `an orphan is left in Nomad: ${id}`),
    ...registry.live().map(({ nomadJob }) => `a task still runs: ${nomadJob}`),
    ...registry.temporaryImages().map((image) => `a temporary image is left: ${image}`),
    ...[...slots, ...requests].map((key) => `a key is left: ${key}`),
    ...registry.violations
  ]
}

const summary = (
  reports: ReadonlyArray<Report>,
  { nomad, registry }: Scene,
  broken: ReadonlyMap<string, number>
): ReadonlyArray<string> => {
  const kinds = new Map<string, number>()
  for (const { plan } of reports) kinds.set(plan.kind, (kinds.get(plan.kind) ?? 0) + 1)
  const times = reports.map(({ milliseconds }) => milliseconds).toSorted((a, b) => a - b)
  const seconds = (part: number) => ((times[Math.floor((times.length - 1) * part)] ?? 0) / 1000).toFixed(1)
  const sum = (of: (report: Report) => number) => reports.reduce((total, report) => total + of(report), 0)
  return [
    `jobs        ${reports.length}: ${[...kinds].map(([kind, count]) => `${count} ${kind}`).join(", ")}`,
    `time a job  median ${seconds(0.5)} s, slowest ${seconds(1)} s`,
    `children    ${sum(({ attempts }) => attempts)}, of which ${sum(({ lost }) => lost)} lost and tried again; ${registry.tasks} tasks ran`,
    `published   ${registry.publications.length}`,
    `faults      ${[...broken].map(([fault, count]) => `${count} ${fault}`).join(", ")}; garbage collected ${nomad.collections} times`
  ]
}

const main = async (): Promise<ReadonlyArray<string>> => {
  const folder = mkdtempSync(join(tmpdir(), "jobforge-chaos-"))
  const seed = Number(values.seed)
  const program = join(folder, "jobforge.mjs")
  await bundle(program)
  const registry = new ModelRegistry()
  const nomad = await ModelNomad.start(folder, registry, new Dice(seed + 1))
  const consul = await ConsulServer.start(folder)
  const ports = { consul: () => consul.port, nomad: () => nomad.port }
  const replicas = await Promise.all(
    Array.from({ length: Number(values.replicas) }, (_, at) =>
      Replica.start({ name: `replica-${at + 1}`, program, folder, environment, ...ports })
    )
  )
  const scene = { store: new Store(ports.consul), nomad, registry }
  say(`seed ${seed}, ${replicas.length} replicas, ${consul.kind} Consul, logs in ${folder}`)
  const end = Date.now() + Number(values.minutes) * 60_000
  const goingOn = () => Date.now() < end
  const breaking = breakThings({ consul, replicas }, new Dice(seed + 2), goingOn, say)
  try {
    const reports = await runJobs(scene, new Dice(seed), Number(values.jobs), goingOn)
    const broken = await breaking
    const faults = [
      ...reports.flatMap(({ plan, faults: found }) => found.map((fault) => `${plan.name} (${plan.kind}) ${fault}`)),
      ...(await faultsAtRest(scene))
    ]
    for (const line of summary(reports, scene, broken)) console.log(line)
    if (faults.length === 0 && !values.keep) process.once("exit", () => rmSync(folder, { recursive: true }))
    return faults
  } finally {
    await breaking
    await Promise.all(replicas.map((replica) => replica.close()))
    await consul.kill()
    await nomad.stop()
  }
}

const faults = await main()
for (const fault of faults) console.log(`FAULT ${fault}`)
console.log(faults.length === 0 ? "all is well" : `${faults.length} faults`)
process.exit(faults.length === 0 ? 0 : 1)
