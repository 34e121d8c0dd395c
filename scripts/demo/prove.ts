import { Data, Effect, Option, Schedule } from "effect"
import { Nomad } from "../../src/nomad/Nomad.ts"
import { outcome } from "../../src/nomad/outcome.ts"

/** The published image did not do what it should. */
export class NotProved extends Data.TaggedError("NotProved")<{ readonly message: string }> {}

/** Runs an image's entry point as a Nomad job of its own, and answers with what it wrote. */
export const runImage = Effect.fn("runImage")(function* (
  image: string,
  id: string,
  environment: Record<string, string>
) {
  const nomad = yield* Nomad
  yield* nomad.register(jobOf(image, id, environment))
  const allocation = yield* ended(id).pipe(
    Effect.filterOrFail(Option.isSome, () => new NotProved({ message: `${image} did not end in time` })),
    Effect.retry(Schedule.intersect(Schedule.spaced("200 millis"), Schedule.recurs(150)))
  )
  const output = new TextDecoder().decode(yield* nomad.logs(allocation.value, "main", "stdout"))
  yield* nomad.stop(id, { purge: true })
  return output.trim()
})

const ended = Effect.fnUntraced(function* (id: string) {
  const nomad = yield* Nomad
  const [job, allocations, evaluations] = yield* Effect.all([
    nomad.job(id),
    nomad.allocations(id),
    nomad.evaluations(id)
  ])
  const state = outcome(job, allocations, evaluations)
  switch (state._tag) {
    case "Succeeded":
      return Option.some(state.allocationId)
    case "CommandFailed":
    case "NeverStarted":
      return yield* Effect.die(new NotProved({ message: state.message }))
    default:
      return Option.none<string>()
  }
})

const jobOf = (image: string, id: string, environment: Record<string, string>) => ({
  ID: id,
  Name: id,
  Type: "batch",
  Datacenters: ["dc1"],
  TaskGroups: [
    {
      Name: "main",
      Count: 1,
      RestartPolicy: { Attempts: 0, Interval: 60_000_000_000, Delay: 1_000_000_000, Mode: "fail" },
      ReschedulePolicy: { Attempts: 0, Unlimited: false },
      Tasks: [
        {
          Name: "main",
          Driver: "docker",
          Config: { image, network_mode: "host", cap_drop: ["all"], security_opt: ["no-new-privileges"] },
          Env: environment,
          Resources: { CPU: 100, MemoryMB: 64 }
        }
      ]
    }
  ]
})
