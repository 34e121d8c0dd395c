import { HashMap, HashSet, Option } from "effect"
import type { ConsulState, KvEntry, Session, TableIndexes } from "./ConsulState.ts"
import { getKey, removeKey, setKey } from "./SortedMap.ts"

/** A request that Consul answers with 500 and this text. Thrown inside one command only, and caught there. */
export class Refusal extends Error {}

/**
 * One command's view of the state while it is being applied: it notes what changed, so that only those who watch it
 * are woken. The state that it began with is never touched.
 */
export class Draft {
  state: ConsulState
  /** The index that the changes get. */
  readonly index: number
  /** In ms. */
  readonly now: number
  /** Keys that were written or deleted. */
  readonly keys: Array<string> = []
  /** Other things that changed: `nodes`, `services`, `checks`, `sessions`, `session:<id>`, `service:<name>`. */
  readonly topics = new Set<string>()
  /** Whether the journal needs the command though no index moved. */
  durable = false

  constructor(state: ConsulState, now: number) {
    this.state = state
    this.index = state.index + 1
    this.now = now
  }

  patch(change: Partial<ConsulState>): void {
    this.state = { ...this.state, ...change }
  }

  /** Marks tables as changed by this command. */
  touch(...tables: ReadonlyArray<keyof TableIndexes>): void {
    const indexes: Record<string, number> = {}
    for (const table of tables) {
      indexes[table] = this.index
      this.topics.add(table)
    }
    this.patch({ index: this.index, tables: { ...this.state.tables, ...indexes } })
  }

  touchService(name: string): void {
    this.topics.add(`service:${name}`)
    this.patch({ serviceIndexes: HashMap.set(this.state.serviceIndexes, name, this.index) })
  }

  /** Makes sure that whoever drives the state looks again by then (ms; 0: no need). */
  lookAgainAt(time: number): void {
    if (time !== 0 && time < this.state.due) this.patch({ due: time })
  }

  entry(key: string): KvEntry | undefined {
    return getKey(this.state.kv, key)
  }

  session(id: string): Session | undefined {
    return getKey(this.state.sessions, id)
  }

  putEntry(entry: KvEntry): void {
    const before = this.entry(entry.key)
    this.patch({ kv: setKey(this.state.kv, entry.key, entry) })
    this.moveHold(entry.key, before?.session ?? "", entry.session)
    this.keys.push(entry.key)
    this.touch("kv")
  }

  dropEntry(entry: KvEntry): void {
    this.patch({ kv: removeKey(this.state.kv, entry.key) })
    this.moveHold(entry.key, entry.session, "")
    this.keys.push(entry.key)
    this.touch("kv")
  }

  private moveHold(key: string, from: string, to: string): void {
    if (from === to) return
    let held = this.state.held
    if (from !== "") {
      const rest = HashSet.remove(heldBy(held, from), key)
      held = HashSet.size(rest) === 0 ? HashMap.remove(held, from) : HashMap.set(held, from, rest)
    }
    if (to !== "") held = HashMap.set(held, to, HashSet.add(heldBy(held, to), key))
    this.patch({ held })
  }
}

/** The keys that a session holds. */
export const heldBy = (held: ConsulState["held"], session: string): HashSet.HashSet<string> =>
  Option.getOrElse(HashMap.get(held, session), () => HashSet.empty<string>())
