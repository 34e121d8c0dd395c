import { setTimeout as pause } from "node:timers/promises"
import { Context, Effect, Layer, Option, Schema } from "effect"
import { Consul } from "../../src/consul/Consul.ts"
import * as ConsulHttp from "../../src/consul/ConsulHttp.ts"
import { isTerminal, Status } from "../../src/domain/Status.ts"
import { keysBelow } from "../../src/store/keys.ts"
import { LogArchive } from "../../src/store/LogArchive.ts"

const keys = keysBelow("jobforge-service")
const decode = Schema.decodeUnknownOption(Schema.parseJson(Status))

/** The store as a client sees it, who waits and tries again while Consul is away. */
export class Store {
  readonly #port: () => number

  constructor(port: () => number) {
    this.#port = port
  }

  put(name: string, record: object): Promise<void> {
    return this.#insist((consul) => consul.put(`${keys.jobs}${name}`, JSON.stringify(record)))
  }

  delete(name: string): Promise<void> {
    return this.#insist((consul) => consul.delete(`${keys.jobs}${name}`))
  }

  async status(name: string): Promise<Status | undefined> {
    const entry = await this.#insist((consul) => consul.get(keys.status(name)))
    return Option.getOrUndefined(Option.flatMap(entry, ({ value }) => decode(new TextDecoder().decode(value))))
  }

  /** `modifyIndex` by key of every status: equal as long as nothing is written. */
  async statusIndexes(): Promise<string> {
    const { value } = await this.#insist((consul) => consul.list(keys.statuses))
    return JSON.stringify(value.map(({ key, modifyIndex }) => [key, modifyIndex]))
  }

  async names(prefix: string): Promise<ReadonlyArray<string>> {
    const { value } = await this.#insist((consul) => consul.keys(prefix))
    return value
  }

  log(name: string, nomadJobId: string): Promise<string> {
    return this.#retry(
      Effect.map(
        Effect.flatMap(LogArchive, (archive) => archive.read(name, nomadJobId, "stdout")),
        (bytes) => new TextDecoder().decode(bytes)
      )
    )
  }

  #insist<A>(use: (consul: Consul["Type"]) => Effect.Effect<A, unknown>): Promise<A> {
    return this.#retry(Effect.flatMap(Consul, use))
  }

  async #retry<A>(effect: Effect.Effect<A, unknown, Consul | LogArchive>): Promise<A> {
    for (let tries = 0; ; tries++) {
      // Made anew, since an embedded Consul may come back on another port.
      const consul = ConsulHttp.layerOf({ origin: `http://127.0.0.1:${this.#port()}` })
      const layer = Layer.provideMerge(LogArchive.layer(keys), Layer.map(consul, consistently))
      const answer = await Effect.runPromise(Effect.either(Effect.provide(effect, layer)))
      if (answer._tag === "Right") return answer.right
      if (tries > 300) throw new Error(`the store does not answer: ${String(answer.left)}`)
      await pause(100)
    }
  }
}

/** Over, its cleaning up included. */
export const isAtRest = ({ status, attempts }: Status): boolean =>
  isTerminal(status) && attempts.every(({ outcome }) => outcome !== undefined)

/** A Consul that has just come back answers from before its last writes, unless it is asked not to: what is judged is what is. */
const consistently = (context: Context.Context<Consul>): Context.Context<Consul> => {
  const consul = Context.get(context, Consul)
  return Context.make(Consul, {
    ...consul,
    get: (key) => consul.get(key, { consistent: true }),
    list: (prefix) => consul.list(prefix, { consistent: true })
  })
}
