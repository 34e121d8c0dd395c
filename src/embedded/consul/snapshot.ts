import { HashMap, HashSet, Schema } from "effect"
import {
  Check,
  ConsulNode,
  type ConsulState,
  emptyState,
  KvEntry,
  Service,
  Session,
  TableIndexes,
  Tombstone
} from "./ConsulState.ts"
import { heldBy } from "./Draft.ts"
import { eachUnder, type Indexed, setKey, type SortedMap } from "./SortedMap.ts"

/** The state as lines of JSON, some at a time. The state is persistent, so it may change meanwhile. */
export function* snapshotLines(state: ConsulState): Generator<string> {
  yield line({
    _tag: "Head",
    format: 1,
    index: state.index,
    tables: state.tables,
    node: state.node ?? null,
    lockDelays: [...state.lockDelays],
    serviceIndexes: [...state.serviceIndexes]
  })
  yield* chunks(state.kv, (entry) => ({ _tag: "Kv", entry }))
  yield* chunks(state.tombstones, (tombstone, key) => ({ _tag: "Tombstone", key, tombstone }))
  yield* chunks(state.sessions, (session) => ({ _tag: "Session", session }))
  yield* chunks(state.services, (service) => ({ _tag: "Service", service }))
  yield* chunks(state.checks, (check) => ({ _tag: "Check", check }))
  yield line({ _tag: "End" })
}

/** Builds the state from its lines; throws what the schema says about a wrong one. */
export class SnapshotReader {
  private state: ConsulState = emptyState
  private complete = false

  take(text: string): void {
    const read = decode(text)
    const { state } = this
    switch (read._tag) {
      case "Head":
        this.state = {
          ...state,
          index: read.index,
          tables: read.tables,
          node: read.node ?? undefined,
          lockDelays: HashMap.fromIterable(read.lockDelays),
          serviceIndexes: HashMap.fromIterable(read.serviceIndexes),
          // Whoever drives the state looks for time-outs at once, and learns the next one.
          due: 0
        }
        return
      case "Kv":
        this.state = withEntry(state, read.entry)
        return
      case "Tombstone":
        this.state = { ...state, tombstones: setKey(state.tombstones, read.key, read.tombstone) }
        return
      case "Session":
        this.state = { ...state, sessions: setKey(state.sessions, read.session.id, read.session) }
        return
      case "Service":
        this.state = { ...state, services: setKey(state.services, read.service.spec.id, read.service) }
        return
      case "Check":
        this.state = { ...state, checks: setKey(state.checks, read.check.spec.id, read.check) }
        return
      case "End":
        this.complete = true
    }
  }

  finish(): ConsulState {
    if (!this.complete) throw new Error("the end is missing")
    return this.state
  }
}

const Line = Schema.Union(
  Schema.TaggedStruct("Head", {
    format: Schema.Literal(1),
    index: Schema.Number,
    tables: TableIndexes,
    node: Schema.NullOr(ConsulNode),
    lockDelays: Schema.Array(Schema.Tuple(Schema.String, Schema.Number)),
    serviceIndexes: Schema.Array(Schema.Tuple(Schema.String, Schema.Number))
  }),
  Schema.TaggedStruct("Kv", { entry: KvEntry }),
  Schema.TaggedStruct("Tombstone", { key: Schema.String, tombstone: Tombstone }),
  Schema.TaggedStruct("Session", { session: Session }),
  Schema.TaggedStruct("Service", { service: Service }),
  Schema.TaggedStruct("Check", { check: Check }),
  Schema.TaggedStruct("End", {})
)

const decode = Schema.decodeUnknownSync(Schema.parseJson(Line))

const line = (value: typeof Line.Type): string => `${JSON.stringify(value)}\n`

function* chunks<V extends Indexed>(
  map: SortedMap<V>,
  toLine: (value: V, key: string) => typeof Line.Type
): Generator<string> {
  const entries: Array<readonly [V, string]> = []
  eachUnder(map, "", (value, key) => entries.push([value, key]))
  for (let at = 0; at < entries.length; at += 200)
    yield entries
      .slice(at, at + 200)
      .map(([value, key]) => line(toLine(value, key)))
      .join("")
}

const withEntry = (state: ConsulState, entry: KvEntry): ConsulState => ({
  ...state,
  kv: setKey(state.kv, entry.key, entry),
  held:
    entry.session === ""
      ? state.held
      : HashMap.set(state.held, entry.session, HashSet.add(heldBy(state.held, entry.session), entry.key))
})
