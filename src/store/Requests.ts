import { Context, Effect, Layer, Option, PubSub, type Scope, Stream } from "effect"
import { Consul, type KvEntry } from "../consul/Consul.ts"
import type { JobRequest } from "../domain/Snapshot.ts"
import type { ApiError } from "../http/ApiError.ts"
import type { Keys } from "./keys.ts"
import { knownVerbs, requestValue, verbForNewer } from "./requestValue.ts"

/** What clients ask for once, below `requests/`: followed by a watch, since answered requests are deleted at once. */
export class Requests extends Context.Tag("jobforge/store/Requests")<
  Requests,
  {
    /** Those about one run, oldest first. */
    readonly about: (jobId: string) => ReadonlyArray<JobRequest>
    readonly all: () => ReadonlyArray<JobRequest>
    /** Each request, once it is seen, as from now on. */
    readonly changes: Effect.Effect<Stream.Stream<JobRequest>, never, Scope.Scope>
    /** Ids of the requests for a sweep of what nobody owns, oldest first. */
    readonly collections: () => ReadonlyArray<string>
    /** The id of each of those, once it is seen, as from now on. */
    readonly collectionsAsked: Effect.Effect<Stream.Stream<string>, never, Scope.Scope>
    /** Hides what was answered, until the watch has seen that it is gone: a request is answered once. */
    readonly settle: (ids: ReadonlyArray<string>) => void
    /** Drops a request that nobody can answer. */
    readonly drop: (id: string) => Effect.Effect<void, ApiError>
  }
>() {
  static readonly layer = (keys: Keys): Layer.Layer<Requests, never, Consul> => Layer.scoped(Requests, make(keys))
}

/** A request as it is held here. */
type Known =
  | { readonly _tag: "Job"; readonly request: JobRequest }
  | { readonly _tag: "Collection"; readonly id: string }

const make = Effect.fnUntraced(function* (keys: Keys) {
  const consul = yield* Consul
  const announceJob = yield* PubSub.unbounded<JobRequest>()
  const announceCollection = yield* PubSub.unbounded<string>()
  let jobs: ReadonlyMap<string, JobRequest> = new Map()
  let collections: ReadonlySet<string> = new Set()
  const settled = new Set<string>()
  const left = new Set<string>()

  /** Once for each. */
  const strange = (id: string, verb: string) =>
    Effect.suspend(() => {
      if (left.has(id)) return Effect.void
      if (left.size >= mostLeft) left.clear()
      left.add(id)
      // Whoever wrote it by hand finds here what was wrong with it.
      return Effect.annotateLogs(Effect.logWarning("request left for a newer version of this service"), {
        request: id,
        verb,
        known: [...knownVerbs].join(", ")
      })
    })

  const read = (entry: KvEntry): Effect.Effect<ReadonlyArray<Known>> => {
    const id = entry.key.slice(keys.requests.length)
    return Option.match(requestValue.decode(entry.value), {
      onSome: (value) =>
        Effect.succeed([
          value.verb === "collect"
            ? { _tag: "Collection", id }
            : { _tag: "Job", request: { id, verb: value.verb, jobId: value.job_id } }
        ]),
      onNone: () =>
        Option.match(verbForNewer(entry.value), {
          onSome: (verb) => Effect.as(strange(id, verb), []),
          onNone: () =>
            Effect.logWarning("request dropped: it is none").pipe(
              Effect.annotateLogs({ request: id }),
              // It is looked at again with the next change.
              Effect.zipRight(Effect.ignore(consul.deleteCas(entry.key, entry.modifyIndex))),
              Effect.as([])
            )
        })
    })
  }

  const take = Effect.fnUntraced(function* (entries: ReadonlyArray<KvEntry>) {
    const inOrder = entries.toSorted((a, b) => a.createIndex - b.createIndex)
    const found = (yield* Effect.forEach(inOrder, read)).flat()
    const present = new Set(entries.map(({ key }) => key.slice(keys.requests.length)))
    for (const id of settled) if (!present.has(id)) settled.delete(id)
    const before = new Set([...jobs.keys(), ...collections])
    jobs = new Map(found.flatMap((known) => (known._tag === "Job" ? [[known.request.id, known.request]] : [])))
    collections = new Set(found.flatMap((known) => (known._tag === "Collection" ? [known.id] : [])))
    yield* PubSub.publishAll(
      announceJob,
      [...jobs.values()].filter(({ id }) => !before.has(id))
    )
    yield* PubSub.publishAll(
      announceCollection,
      [...collections].filter((id) => !before.has(id))
    )
  })

  yield* consul.watchList(keys.requests).pipe(
    Stream.runForEach(({ value }) => take(value)),
    Effect.forkScoped
  )

  const open = () => [...jobs.values()].filter(({ id }) => !settled.has(id))

  return Requests.of({
    about: (jobId) => open().filter((request) => request.jobId === jobId),
    all: open,
    changes: Effect.map(PubSub.subscribe(announceJob), (queue) => Stream.fromQueue(queue)),
    collections: () => [...collections].filter((id) => !settled.has(id)),
    collectionsAsked: Effect.map(PubSub.subscribe(announceCollection), (queue) => Stream.fromQueue(queue)),
    settle: (ids) => {
      for (const id of ids) if (jobs.has(id) || collections.has(id)) settled.add(id)
    },
    drop: (id) => consul.delete(keys.request(id))
  })
})

/** Requests that are remembered as told of. */
const mostLeft = 1000
