import { Array as Arr, Effect, Either, Option } from "effect"
import type { Consul, Indexed, KvEntry } from "../../src/consul/Consul.ts"
import { type Position, watch } from "../../src/consul/Watch.ts"
import type { ApiError } from "../../src/http/ApiError.ts"
import type { ConsulWorld } from "./ConsulWorld.ts"
import { keyReading, keysReading, listReading, type Reading } from "./consulReadings.ts"
import type { SimProcess } from "./SimProcess.ts"
import type { Wire } from "./Wire.ts"

/** The product's own watches over simulated blocking queries. */
export const makeConsulWatches = (
  world: ConsulWorld,
  wire: Wire,
  process: SimProcess
): Pick<Consul["Type"], "watchKeys" | "watchList" | "watchKey"> => {
  const read = <A>(reading: Reading<A>, position: Position): Effect.Effect<A, ApiError> =>
    position.index === 0 ? now(reading) : blocking(reading, position)

  const now = <A>(reading: Reading<A>) =>
    wire.call<A>(process, {
      system: "consul",
      what: `watch ${reading.what}`,
      kind: "read",
      older: () => world.older(reading.fingerprint),
      serve: (back) => Either.right(reading.answer(world.seen(back)))
    })

  /** Answers when the index moves, or after the wait with what it was; news that gets lost leaves the wait to its end. */
  const blocking = <A>(reading: Reading<A>, position: Position) =>
    Effect.async<A, ApiError>((resume) => {
      const pass = (back: number) => resume(Effect.succeed(reading.answer(world.seen(back))))
      const delivery = {
        what: `watch ${reading.what}`,
        older: () => world.older(reading.fingerprint),
        content: () => JSON.stringify(reading.fingerprint(world.state)),
        pass,
        lose: () => {},
        fail: (error: ApiError) => resume(Effect.fail(error))
      }
      const news = () => wire.deliver(process, delivery)
      const stop = world.wait(reading.index, position.index, news)
      const end = wire.timeline.after(position.waitSeconds * 1000, () => {
        stop()
        process.deliver(() => pass(0))
      })
      return Effect.sync(() => {
        stop()
        end()
      })
    })

  const indexed = <A>(reading: Reading<Indexed<A>>, isAbsent: (value: A) => boolean) =>
    watch({ what: reading.what, read: (position) => read(reading, position), isAbsent })

  return {
    watchKeys: (prefix) => indexed(keysReading(prefix), Arr.isEmptyReadonlyArray),
    watchList: (prefix) => indexed<ReadonlyArray<KvEntry>>(listReading(prefix), Arr.isEmptyReadonlyArray),
    watchKey: (key) => {
      const reading = keyReading(key)
      const answer: Reading<Indexed<ReturnType<typeof reading.answer>>> = {
        ...reading,
        answer: (state) => ({ index: reading.index(state), value: reading.answer(state) })
      }
      return indexed(answer, Option.isNone)
    }
  }
}
