import { Option, Schema } from "effect"
import type { KvEntry } from "../../../src/embedded/consul/ConsulState.ts"
import { getKey, valuesUnder } from "../../../src/embedded/consul/SortedMap.ts"
import { isTerminal, Status } from "../../../src/domain/Status.ts"
import { keys } from "../Replica.ts"
import type { World } from "../World.ts"

const decode = Schema.decodeOption(Schema.parseJson(Status))

/** The statuses as they are in the store, with every one that a run ever had. */
export class StatusBook {
  private readonly world: World
  private readonly known = new WeakMap<KvEntry, Option.Option<Status>>()
  /** The last status of every run, by its job id. */
  private readonly runs = new Map<string, Status>()

  constructor(world: World) {
    this.world = world
    world.consul.observe(({ after, keys: changed }) => {
      for (const key of changed) {
        if (!key.startsWith(keys.statuses)) continue
        const status = this.read(getKey(after.kv, key))
        if (status?.job_id !== undefined) this.runs.set(status.job_id, status)
      }
    })
  }

  get all(): ReadonlyArray<Status> {
    return valuesUnder(this.world.consul.state.kv, keys.statuses).flatMap((entry) => this.read(entry) ?? [])
  }

  of(name: string): Status | undefined {
    return this.read(getKey(this.world.consul.state.kv, keys.status(name)))
  }

  ofRun(jobId: string): Status | undefined {
    return this.runs.get(jobId)
  }

  read(entry: KvEntry | undefined): Status | undefined {
    if (entry === undefined) return undefined
    const known = this.known.get(entry) ?? decode(Buffer.from(entry.value, "base64").toString())
    this.known.set(entry, known)
    return Option.getOrUndefined(known)
  }
}

/** Whether nothing of the run is under way any more. */
export const isOver = ({ status, attempts }: Status): boolean =>
  isTerminal(status) && attempts.every(({ outcome }) => outcome !== undefined)
