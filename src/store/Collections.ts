import { randomUUID } from "node:crypto"
import { Context, Effect, Layer, Option, Stream } from "effect"
import { ActingToken } from "../consul/ActingToken.ts"
import { Consul } from "../consul/Consul.ts"
import type { ApiError } from "../http/ApiError.ts"
import { type Collection, collectionsValue } from "./CollectionsValue.ts"
import type { Keys } from "./keys.ts"
import { requestValue } from "./requestValue.ts"

/** The clients' side of sweeping up what nobody owns: any replica asks, whoever leads does it and answers. */
export class Collections extends Context.Tag("jobforge/store/Collections")<
  Collections,
  {
    /** The request is in the store when this answers with its id: no crash loses it. */
    readonly ask: Effect.Effect<string, ApiError>
    /** Waits for as long as it takes: a leader there must be. */
    readonly answerTo: (id: string) => Effect.Effect<Collection>
  }
>() {
  static readonly layer = (keys: Keys): Layer.Layer<Collections, never, Consul> => Layer.effect(Collections, make(keys))
}

const make = Effect.fnUntraced(function* (keys: Keys) {
  const consul = yield* Consul

  const ask = Effect.gen(function* () {
    const id = yield* Effect.sync(() => randomUUID())
    yield* consul.put(keys.request(id), requestValue.encode({ verb: "collect" }))
    return id
  })

  const answerTo = (id: string) =>
    consul.watchKey(keys.collections).pipe(
      Stream.filterMap(({ value }) =>
        Option.flatMap(
          Option.flatMap(value, (entry) => collectionsValue.decode(entry.value)),
          ({ answers }) => Option.fromNullable(answers.find(({ requests }) => requests.includes(id)))
        )
      ),
      Stream.runHead,
      // A watch has no end, so there is always a first answer.
      Effect.flatMap(Option.match({ onNone: () => Effect.never, onSome: Effect.succeed })),
      // Who may ask may know the answer, whatever else the caller's token lets it read.
      Effect.provideService(ActingToken, Option.none())
    )

  return Collections.of({ ask, answerTo })
})
