import { Cause, HashMap, LogLevel, Option } from "effect"
import { toBase64 } from "../../src/consul/Value.ts"
import { getKey } from "../../src/embedded/consul/SortedMap.ts"
import { recordName } from "../../src/store/keys.ts"
import { requestValue } from "../../src/store/requestValue.ts"
import { statusValue } from "../../src/store/statusValue.ts"
import { ConsulWorld } from "./ConsulWorld.ts"
import { Boundaries } from "./Fault.ts"
import { NomadWorld } from "./NomadWorld.ts"
import type { Operation, Plan } from "./Plan.ts"
import { instantly, paces } from "./pace.ts"
import { Prng } from "./Prng.ts"
import type { PartitionLimits } from "../../src/store/partition.ts"
import { keys, replica } from "./Replica.ts"
import { SimClients } from "./SimClients.ts"
import { makeSimConsul } from "./SimConsul.ts"
import { makeSimNomad } from "./SimNomad.ts"
import { SimProcess } from "./SimProcess.ts"
import { SimRegistry } from "./SimRegistry.ts"
import { Timeline } from "./Timeline.ts"
import { Wire } from "./Wire.ts"

/** Everything that a plan happens in: the systems, the machines, the replicas, and one clock for all. */
export class World {
  readonly timeline = new Timeline()
  readonly registry = new SimRegistry(() => this.timeline.now)
  readonly consul: ConsulWorld
  readonly nomad: NomadWorld
  readonly clients: SimClients
  readonly boundaries: Boundaries
  /** What happened, for people: only when recorded. */
  readonly trace: Array<string> = []
  /** Lines in which the product calls something its own bug. */
  readonly bugs: Array<string> = []
  private readonly wire: Wire
  private readonly processes: Array<SimProcess> = []
  private readonly began: number
  private readonly recording: boolean
  private readonly random: Prng
  private readonly division: PartitionLimits | undefined
  private ids = 0
  private disturbedUntil = 0

  constructor(plan: Plan, recording: boolean) {
    this.recording = recording
    this.began = this.timeline.now
    this.random = new Prng(plan.seed ?? 1)
    // Every other random history follows the records in parts, as if they were thousands.
    this.division = (plan.seed ?? 1) % 2 === 0 ? { names: 1, parts: 3 } : undefined
    const uneven = plan.seed === undefined ? undefined : this.random
    this.boundaries = new Boundaries(plan.faults, recording)
    const remembers = recording || plan.faults.some(({ fault }) => fault.kind === "stale")
    this.consul = new ConsulWorld(this.timeline, remembers)
    this.nomad = new NomadWorld(this.timeline, remembers)
    const pace = plan.instant === true ? instantly : paces(uneven?.fork())
    this.clients = new SimClients(this.timeline, this.nomad, this.registry, pace)
    this.wire = new Wire(this.timeline, this.boundaries, uneven?.fork(), {
      signature: () => [this.consul.state.index, this.nomad.state.index, this.registry.writes.length].join("/"),
      crash: (process) => this.crash(process),
      pause: (process, duration) => this.pause(process, duration),
      delay: (duration) => this.disturb(duration),
      collectGarbage: () => this.operate({ do: "collect-garbage" })
    })
    for (let index = 0; index < plan.replicas; index++) this.boot(`replica-${index + 1}`)
    for (const { at, operation } of plan.operations) this.timeline.after(at, () => this.operate(operation))
  }

  /** Milliseconds from the beginning. */
  get elapsed(): number {
    return this.timeline.now - this.began
  }

  /** Steps of Effect's run loop, of all replicas that live. */
  get steps(): number {
    return this.processes.reduce((sum, process) => sum + process.steps, 0)
  }

  /** When the last fault ends, in milliseconds from the beginning. */
  get disturbed(): number {
    return this.disturbedUntil
  }

  /** Lets things happen until then, or until it is told to stop. */
  run(until: number, enough: () => boolean): void {
    const end = this.began + until
    for (const process of this.processes) process.drain()
    while (!enough()) {
      if (!this.timeline.step(end)) {
        this.timeline.now = end
        return
      }
      for (const process of this.processes) process.drain()
    }
  }

  /** From now on nothing new goes wrong, and what was cut off comes back; who stands still goes on when his time is up. */
  calm(): void {
    this.boundaries.close()
    this.clients.connectAll()
  }

  note(text: string): void {
    if (this.recording) this.trace.push(`${(this.elapsed / 1000).toFixed(3).padStart(9)} ${text}`)
  }

  private boot(name: string): void {
    const process = new SimProcess(this.timeline, name)
    this.processes.push(process)
    const seed = this.random.between(0, 0x7fffffff)
    process.start(
      replica({
        name,
        seed,
        division: this.division,
        consul: makeSimConsul(this.consul, this.wire, process, () => this.freshId()),
        nomad: makeSimNomad(this.nomad, this.clients, this.wire, process),
        onLog: (level, text) => {
          if (LogLevel.greaterThanEqual(level, LogLevel.Error)) this.bugs.push(`${name}: ${text}`)
          this.note(`${name}: ${text}`)
        }
      }),
      (cause) => this.bugs.push(`${name} ended: ${Cause.pretty(cause)}`)
    )
  }

  private crash(process: SimProcess): void {
    if (process.isDead) return
    this.note(`${process.name} crashes`)
    process.kill()
    this.processes.splice(this.processes.indexOf(process), 1)
    this.disturb(restart)
    this.timeline.after(restart, () => this.boot(process.name))
  }

  private pause(process: SimProcess, duration: number): void {
    this.note(`${process.name} stands still for ${duration} ms`)
    process.pause()
    this.disturb(duration)
    this.timeline.after(duration, () => {
      this.note(`${process.name} goes on`)
      process.resume()
    })
  }

  private disturb(duration: number): void {
    this.disturbedUntil = Math.max(this.disturbedUntil, this.elapsed + duration)
  }

  private operate(operation: Operation): void {
    this.note(JSON.stringify(operation))
    switch (operation.do) {
      case "put":
        return this.put(`${keys.jobs}${operation.name}`, operation.text)
      case "configure":
        return this.put(`${keys.config}${operation.key}`, operation.text)
      case "delete":
        return void this.consul.execute({ _tag: "KvDelete", key: `${keys.jobs}${operation.name}` })
      case "request":
        return this.request(operation)
      case "collect":
        return this.ask({ verb: "collect" })
      case "orphan":
        return this.orphan()
      case "stop-child":
        return this.stopChild(operation.which)
      case "collect-garbage":
        return void this.nomad.execute({ _tag: "CollectGarbage" })
      case "drop-folders":
        return this.clients.dropFolders()
      case "disconnect":
        return this.clients.disconnect(operation.client)
      case "connect":
        return this.clients.connect(operation.client)
      case "crash": {
        const process = this.processes[operation.replica % this.processes.length]
        return process === undefined ? undefined : this.crash(process)
      }
    }
  }

  private put(key: string, text: string): void {
    this.consul.execute({ _tag: "KvPut", key, value: toBase64(text), flags: "0" })
  }

  private request({ name, verb }: Extract<Operation, { readonly do: "request" }>): void {
    const entry = getKey(this.consul.state.kv, keys.status(recordOf(name)))
    const status = entry === undefined ? Option.none() : statusValue.decode(Buffer.from(entry.value, "base64"))
    const jobId = Option.getOrUndefined(status)?.job_id
    if (jobId !== undefined) this.ask({ verb, job_id: jobId })
  }

  private ask(request: Parameters<typeof requestValue.encode>[0]): void {
    this.put(keys.request(this.freshId()), requestValue.encode(request))
  }

  /** As a test of another run would be: it pushes nothing. */
  private orphan(): void {
    const model = [...HashMap.values(this.nomad.state.jobs)].find(({ Meta }) => Meta?.["phase"] === "test")
    if (model === undefined) return
    const jobId = this.freshId()
    const Meta = { ...model.Meta, "build-service-job-id": jobId, "jobforge-record": "nobody" }
    this.nomad.execute({ _tag: "Register", job: { ...model, ID: `test-cmd-${jobId}-0-1`, Meta }, unchecked: true })
  }

  private stopChild(which: number): void {
    const alive = [...HashMap.values(this.nomad.state.jobs)]
      .filter(({ Status }) => Status !== "dead")
      .toSorted((a, b) => a.CreateIndex - b.CreateIndex)
    const job = alive[which % Math.max(1, alive.length)]
    if (job !== undefined) this.nomad.execute({ _tag: "Deregister", jobId: job.ID, purge: false })
  }

  private freshId(): string {
    this.ids += 1
    return `00000000-0000-4000-9000-${String(this.ids).padStart(12, "0")}`
  }
}

/** The record's name that a key below `jobs/` has. */
const recordOf = (name: string): string => Option.getOrElse(recordName(keys.jobs, keys.jobs + name), () => name)

/** Milliseconds until a supervisor has started a dead replica anew. */
const restart = 2000
