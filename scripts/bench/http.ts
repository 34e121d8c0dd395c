import { atLeast, atMost, type Figure, figureUnder, percentile } from "./Figure.ts"
import { type Answered, HttpLoad, requestText } from "./HttpLoad.ts"
import { namesOf, Rig } from "./Rig.ts"
import { recordText } from "./recordText.ts"
import { asStandby, type Standby } from "./Standby.ts"
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
const statuses = namesOf("stored", 1000)

/** (e) What the HTTP interface costs beside a server that does nothing else than to ask Consul, and how fast it tells. */
export const http = async (bench: HttpBench): Promise<ReadonlyArray<Figure>> => {
  const { consul, template, told } = await tellWaiters(bench)
  const most = await asStandby(template, statuses, async (standby) => ({
    reads: await mostOf(standby, bench, reads),
    submits: await mostOf(standby, bench, submits)
  }))
  const half: Readonly<Record<"reads" | "submits", Array<Times>>> = { reads: [], submits: [] }
  for (let round = 0; round < bench.rounds; round++) {
    // Consul keeps what was deleted for a quarter of an hour: one that was given all of the bench's records stops for
    // longer than what is measured here, whoever asks it.
    await asStandby(template, statuses, async (standby) => {
      half.reads.push(await timesAtHalf(standby, bench, reads, most.reads, round))
      half.submits.push(await timesAtHalf(standby, bench, submits, most.submits, round))
    })
  }
  const under = `${connections} connections, ${statuses.length} records, a standby replica, ${consul} Consul; load generator on the same machine`
  return [
    ...figuresOf(reads, most.reads, half.reads, under),
    ...figuresOf(submits, most.submits, half.submits, under),
    ...told
  ]
}

/** With a leader, whose job is the one that all of the others are copies of. */
const tellWaiters = async (bench: HttpBench) => {
  const rig = await Rig.open("any")
  try {
    await rig.serve()
    await rig.service.settled()
    await rig.put(["template"])
    const [template] = await rig.ended(["template"])
    if (template === undefined) throw new Error("the template has no status")
    const told = await waiters(rig, bench.waiters, bench.changes)
    return { consul: rig.consul.kind, template, told }
  } finally {
    await rig.close()
  }
}

const both = ["service", "bare"] as const
type Server = (typeof both)[number]
type OfBoth<A> = Readonly<Record<Server, A>>

interface Kind {
  readonly name: string
  /** Of the bare server's rate. */
  readonly least: number
  /** Part of the warming up that a Consul of its own is given: what is written stays in its log. */
  readonly warmth: number
  readonly text: OfBoth<(at: number) => string>
}

const reads: Kind = {
  name: "status reads",
  least: 0.7,
  warmth: 1,
  text: {
    service: (at) => requestText("GET", `/json/job/stored-${at % statuses.length}/status`),
    bare: (at) => requestText("GET", `/stored-${at % statuses.length}`)
  }
}

const submits: Kind = {
  name: "submits",
  least: 0.5,
  warmth: 0.25,
  text: {
    service: () => requestText("POST", "/json/submitJob", recordText("submitted")),
    bare: () => requestText("POST", "/", recordText("submitted"))
  }
}

/** Answers a second. */
type Rates = OfBoth<number> & { readonly ratio: number }

/** Each of the two is the first as often as the other: Consul has more to keep with each request. */
const inTurn = async <A>(round: number, measure: (server: Server) => Promise<A>): Promise<OfBoth<A>> => {
  if (round % 2 === 0) return { service: await measure("service"), bare: await measure("bare") }
  const bare = await measure("bare")
  return { service: await measure("service"), bare }
}

/** Requests as fast as they are answered; in turn, since the machine is not the same all the time. */
const mostOf = async (standby: Standby, bench: HttpBench, kind: Kind): Promise<Rates> => {
  for (const server of both) await warm(standby, kind, server, bench.warm)
  const rounds: Array<Rates> = []
  for (let round = 0; round < bench.rounds; round++) {
    const { bare, service } = await inTurn(
      round,
      async (server) => (await asked(standby, kind, server, bench.milliseconds)).rate
    )
    rounds.push({ service, bare, ratio: service / bare })
  }
  return {
    service: median(rounds.map(({ service }) => service)),
    bare: median(rounds.map(({ bare }) => bare)),
    ratio: median(rounds.map(({ ratio }) => ratio))
  }
}

/** Milliseconds, all of one window. */
type Times = OfBoth<ReadonlyArray<number>>

/** Half as many a second. */
const timesAtHalf = async (
  standby: Standby,
  bench: HttpBench,
  kind: Kind,
  most: Rates,
  round: number
): Promise<Times> => {
  for (const server of both) await warm(standby, kind, server, bench.warm * kind.warmth)
  return inTurn(
    round,
    async (server) => (await asked(standby, kind, server, bench.milliseconds, most[server] / 2)).times
  )
}

/** Code is compiled while it runs: both begin with as many requests. */
const warm = async (standby: Standby, kind: Kind, server: Server, requests: number): Promise<void> => {
  for (let answered = 0; answered < requests;) answered += (await asked(standby, kind, server, 500)).times.length
}

/** As fast as they are answered, where no rate is given. */
const asked = async (
  standby: Standby,
  kind: Kind,
  server: Server,
  milliseconds: number,
  rate?: number
): Promise<Answered> => {
  const load = await HttpLoad.open(standby.ports[server], connections)
  let at = 0
  const next = () => kind.text[server](at++)
  try {
    return await (rate === undefined ? load.closedLoop(milliseconds, next) : load.openLoop(milliseconds, rate, next))
  } finally {
    load.close()
    await standby.tidy()
  }
}

const figuresOf = (kind: Kind, most: Rates, half: ReadonlyArray<Times>, under: string): ReadonlyArray<Figure> => {
  const figure = figureUnder("e", under)
  // Of each window by itself: one in which the machine stood still says nothing about the others.
  const typical = (server: Server, part: number) => median(half.map((times) => percentile(times[server], part)))
  const windows = `median of ${half.length} windows`
  const ofAll = (server: Server) =>
    percentile(
      half.flatMap((times) => times[server]),
      0.99
    )
  const { name } = kind
  return [
    figure(name, most.service, "/s"),
    figure(`${name}, bare server`, most.bare, "/s"),
    figure(`${name}, of the bare server's`, most.ratio, "(ratio)", atLeast(kind.least)),
    figure(`${name}, p50 at half load, ${windows}`, typical("service", 0.5), "ms"),
    figure(`${name}, p99 at half load, ${windows}`, typical("service", 0.99), "ms", atMost(50)),
    figure(`${name}, p99 at half load, of all requests`, ofAll("service"), "ms"),
    figure(`${name}, bare server, p50 at half load, ${windows}`, typical("bare", 0.5), "ms"),
    figure(`${name}, bare server, p99 at half load, ${windows}`, typical("bare", 0.99), "ms"),
    figure(`${name}, bare server, p99 at half load, of all requests`, ofAll("bare"), "ms")
  ]
}

const median = (values: ReadonlyArray<number>): number => percentile(values, 0.5)
