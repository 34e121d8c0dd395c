import { Context, Effect, Layer, Option, PubSub, Schema, type Scope, Stream } from "effect"
import { Consul, type KvEntry } from "../consul/Consul.ts"
import type { JobRequest } from "../domain/Snapshot.ts"
import type { ApiError } from "../http/ApiError.ts"
import type { Keys } from "./keys.ts"

/** What clients ask for once, below `requests/`: followed by a watch, since answered requests are deleted at once. */
export class Requests extends Context.Tag("jobforge/store/Requests")<
  Requests,
  {
    /** Those about one run, oldest first. */
    readonly about: (jobId: string) => ReadonlyArray<JobRequest>
    readonly all: () => ReadonlyArray<JobRequest>
    /** Each request, once it is seen, as from now on. */
    readonly changes: Effect.Effect<Stream.Stream<JobRequest>, never, Scope.Scope>
    /** Drops a request that nobody can answer. */
    readonly drop: (id: string) => Effect.Effect<void, ApiError>
  }
>() {
  static readonly layer = (keys: Keys): Layer.Layer<Requests, never, Consul> => Layer.scoped(Requests, make(keys))
}

/** The value of a request's key. */
const RequestJson = Schema.parseJson(
  Schema.Struct({ verb: Schema.Literal("kill", "retry", "cleanup", "purge"), job_id: Schema.NonEmptyString })
)
const decode = Schema.decodeUnknownEither(RequestJson)

const make = Effect.fnUntraced(function* (keys: Keys) {
  const consul = yield* Consul
  const announce = yield* PubSub.unbounded<JobRequest>()
  let known: ReadonlyMap<string, JobRequest> = new Map()

  const read = (entry: KvEntry) => {
    const id = entry.key.slice(keys.requests.length)
    return decode(new TextDecoder().decode(entry.value)).pipe(
      Effect.map(({ job_id: jobId, verb }) => Option.some<JobRequest>({ id, verb, jobId })),
      Effect.catchAll((error) =>
        Effect.logWarning("request dropped: it is none", error.message).pipe(
          Effect.annotateLogs({ request: id }),
          // It is looked at again with the next change.
          Effect.zipRight(Effect.ignore(consul.deleteCas(entry.key, entry.modifyIndex))),
          Effect.as(Option.none<JobRequest>())
        )
      )
    )
  }

  const take = Effect.fnUntraced(function* (entries: ReadonlyArray<KvEntry>) {
    const inOrder = entries.toSorted((a, b) => a.createIndex - b.createIndex)
    const found = yield* Effect.forEach(inOrder, read)
    const before = known
    known = new Map(found.flatMap(Option.toArray).map((request) => [request.id, request]))
    yield* PubSub.publishAll(
      announce,
      [...known.values()].filter(({ id }) => !before.has(id))
    )
  })

  yield* consul.watchList(keys.requests).pipe(
    Stream.runForEach(({ value }) => take(value)),
    Effect.forkScoped
  )

  return Requests.of({
    about: (jobId) => [...known.values()].filter((request) => request.jobId === jobId),
    all: () => [...known.values()],
    changes: Effect.map(PubSub.subscribe(announce), (queue) => Stream.fromQueue(queue)),
    drop: (id) => consul.delete(keys.request(id))
  })
})
