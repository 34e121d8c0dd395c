import { setTimeout as pause } from "node:timers/promises"
import { Cause, Effect, Exit, Option, Stream } from "effect"
import { nomadClient, plainNomad } from "../../test/support/nomadClient.ts"
import { namesOf, type Rig } from "./Rig.ts"

/** Milliseconds from a step's end to Nomad's event about it, as a subscriber of one's own sees it. */
export const eventLatency = async (rig: Rig, samples: number): Promise<ReadonlyArray<number>> => {
  const heard: Array<{ readonly allocationId: string; readonly time: number }> = []
  const stop = new AbortController()
  const listening = Effect.flatMap(nomadClient(plainNomad(rig.nomad)), (nomad) =>
    Stream.runForEach(nomad.events(["Allocation"], Option.none()), (event) =>
      Effect.sync(() => {
        if (event._tag === "AllocationChanged" && event.stage === "ended")
          heard.push({ allocationId: event.allocationId, time: performance.now() })
      })
    )
  )
  const done = Effect.runPromiseExit(Effect.scoped(listening), { signal: stop.signal })
  await pause(200)
  const taken: Array<number> = []
  for (const name of namesOf("event", samples)) {
    heard.length = 0
    for (const { kind, time, allocationId } of await rig.watched(name)) {
      const event = heard.find((one) => one.allocationId === allocationId && one.time >= time)
      if (kind === "ended" && event !== undefined) taken.push(event.time - time)
    }
  }
  stop.abort()
  const ended = await done
  if (Exit.isFailure(ended) && !Cause.isInterruptedOnly(ended.cause)) throw new Error(Cause.pretty(ended.cause))
  return taken
}
