import { setTimeout as pause } from "node:timers/promises"
import { Effect } from "effect"
import { BareServer } from "./BareServer.ts"
import { atLeast, atMost, type Figure, percentile } from "./Figure.ts"
import { HttpLoad, requestText } from "./HttpLoad.ts"
import { keys, namesOf, Rig } from "./Rig.ts"
import { recordText } from "./recordText.ts"
import { waiters } from "./waiters.ts"

export interface HttpBench {
  /** How often each of the two is measured, one after the other. */
  readonly rounds: number
  /** Of each measurement. */
  readonly milliseconds: number
  /** Requests to each before it is measured. */
  readonly warm: number
  readonly waiters: number
  /** Changes of a status that so many wait for. */
  readonly changes: number
}

/** Enough that the server has always something to do. */
const connections = 32

/** Statuses that are asked for, in turn. */
const statuses = 1000

/** (e) What the HTTP interface costs beside a server that does nothing else than to ask Consul, and how fast it tells. */
export const http = async (bench: HttpBench): Promise<ReadonlyArray<Figure>> => {
  const rig = await Rig.open("any")
  try {
    await rig.serve()
    await rig.service.settled()
    await rig.put(["template"])
    await rig.ended(["template"])
    const told = await waiters(rig, bench.waiters, bench.changes)
    await rig.stop()
    await rig.store("template", namesOf("stored", statuses))
    await holdOffice(rig)
    await rig.serve()
    await ready(rig)
    const bare = await BareServer.start({
      folder: rig.folder,
      consul: `http://127.0.0.1:${rig.consul.port}`,
      prefix: keys.statuses.slice(0, -"status/".length)
    })
    const compared = [await compare(rig, bare, bench, reads), await compare(rig, bare, bench, submits)]
    await bare.end()
    return [...compared.flat(), ...told]
  } finally {
    await rig.close()
  }
}

/** What answers is no leader then, as most replicas are none: what the leader does for jobs is other loads' matter. */
const holdOffice = async (rig: Rig): Promise<void> => {
  const session = await rig.run((consul) => consul.createSession({ name: "bench", lockDelay: 0, behavior: "release" }))
  for (let tries = 0; tries < 100; tries++) {
    if (await rig.run((consul) => consul.acquire(keys.leader, "{}", session))) return
    await pause(100)
  }
  throw new Error("the office was not to be had")
}

const ready = async (rig: Rig): Promise<void> => {
  for (let tries = 0; tries < 600; tries++) {
    const answer = await fetch(`${rig.service.address}/ready`).catch(() => undefined)
    await answer?.arrayBuffer()
    if (answer?.status === 200) return
    await pause(50)
  }
  throw new Error("the service is not ready: see its log")
}

interface Kind {
  readonly name: string
  /** Of the bare server's rate. */
  readonly least: number
  readonly service: (at: number) => string
  readonly bare: (at: number) => string
}

const reads: Kind = {
  name: "status reads",
  least: 0.7,
  service: (at) => requestText("GET", `/json/job/stored-${at % statuses}/status`),
  bare: (at) => requestText("GET", `/stored-${at % statuses}`)
}

const submits: Kind = {
  name: "submits",
  least: 0.5,
  service: () => requestText("POST", "/json/submitJob", recordText("submitted")),
  bare: () => requestText("POST", "/", recordText("submitted"))
}

/** Requests as fast as they are answered, then half as many; in turn, since the machine is not the same all the time. */
const compare = async (rig: Rig, bare: BareServer, bench: HttpBench, kind: Kind): Promise<ReadonlyArray<Figure>> => {
  const servers = [
    { port: Number(new URL(rig.service.address).port), text: kind.service },
    { port: bare.port, text: kind.bare }
  ] as const
  let at = 0
  const measured = async (server: (typeof servers)[number], milliseconds: number, rate?: number) => {
    const load = await HttpLoad.open(server.port, connections)
    const next = () => server.text(at++)
    const answered = await (rate === undefined
      ? load.closedLoop(milliseconds, next)
      : load.openLoop(milliseconds, rate, next))
    load.close()
    return { ...answered, p50: percentile(answered.times, 0.5), p99: percentile(answered.times, 0.99) }
  }
  const [service, other] = servers
  // Code is compiled while it runs: both begin with as many requests.
  for (const server of servers) {
    for (let answered = 0; answered < bench.warm;) answered += (await measured(server, 500)).times.length
  }
  const full: Array<Record<"service" | "bare" | "ratio", number>> = []
  const half: Array<Record<"p50" | "p99", number>> = []
  const halfBare: Array<Record<"p50" | "p99", number>> = []
  for (let round = 0; round < bench.rounds; round++) {
    await tidy(rig)
    const own = await measured(service, bench.milliseconds)
    await tidy(rig)
    const bare = await measured(other, bench.milliseconds)
    full.push({ service: own.rate, bare: bare.rate, ratio: own.rate / bare.rate })
    await tidy(rig)
    half.push(await measured(service, bench.milliseconds, own.rate / 2))
    await tidy(rig)
    halfBare.push(await measured(other, bench.milliseconds, bare.rate / 2))
  }
  await tidy(rig)
  const under = `${connections} connections, ${statuses} records, a standby replica, ${rig.consul.kind} Consul; load generator on the same machine`
  const median = <K extends string>(of: ReadonlyArray<Record<K, number>>, key: K) =>
    percentile(
      of.map((one) => one[key]),
      0.5
    )
  const figure = (name: string, value: number, unit: string, goal: Pick<Figure, "goal"> = {}): Figure => ({
    load: "e",
    name: `${kind.name}${name}`,
    value,
    unit,
    under,
    ...goal
  })
  return [
    figure("", median(full, "service"), "/s"),
    figure(", bare server", median(full, "bare"), "/s"),
    figure(", of the bare server's", median(full, "ratio"), "(ratio)", atLeast(kind.least)),
    figure(", p50 at half load", median(half, "p50"), "ms"),
    figure(", p99 at half load", median(half, "p99"), "ms", atMost(50)),
    figure(", bare server, p50 at half load", median(halfBare, "p50"), "ms"),
    figure(", bare server, p99 at half load", median(halfBare, "p99"), "ms")
  ]
}

/** Each measurement begins with the same records: what was submitted goes, and the replica has seen that it went. */
const tidy = async (rig: Rig): Promise<void> => {
  const isSubmitted = (key: string) => /^[0-9a-f-]{36}$/.test(key.slice(keys.jobs.length))
  const { value: names } = await rig.run((consul) => consul.keys(keys.jobs))
  const submitted = names.filter(isSubmitted)
  await rig.run((consul) => Effect.forEach(submitted, (key) => consul.delete(key), { concurrency: 16, discard: true }))
  // Until it has nothing to do any more.
  for (let quiet = 0; quiet < 3;) {
    const before = rig.service.cpu()
    await pause(200)
    quiet = rig.service.cpu() - before <= 20 ? quiet + 1 : 0
  }
}
