import { ParseResult, Schema } from "effect"
import { optional, typeFault } from "./BuildJobText.ts"

/** Nomad's own minima, and maxima beyond any machine: what is outside is a slip of the unit. */
const bounds = {
  cpu: { unit: "MHz", minimum: 1, maximum: 1_000_000 },
  memory: { unit: "MB", minimum: 10, maximum: 16_777_216 },
  disk: { unit: "MB", minimum: 10, maximum: 16_777_216 }
}

/** Digits on the wire, as the service's clients expect them; whole numbers are accepted, since YAML has them. */
const limit = ({ maximum, minimum, unit }: (typeof bounds)[keyof typeof bounds]) => {
  const fault = `must be a whole number of ${unit} from ${minimum} to ${maximum}, without a unit`
  return Schema.transformOrFail(
    Schema.Union(
      Schema.String.annotations({ jsonSchema: { type: "string", pattern: "^[0-9]{1,9}$" } }),
      Schema.Number.annotations({ jsonSchema: { type: "integer", minimum, maximum } })
    ).annotations({ message: () => ({ message: fault, override: true }) }),
    Schema.Number,
    {
      strict: true,
      decode: (input, _, ast) => {
        const value = typeof input === "number" || /^[0-9]{1,9}$/.test(input) ? Number(input) : Number.NaN
        const accepted = Number.isInteger(value) && value >= minimum && value <= maximum
        return accepted ? ParseResult.succeed(value) : ParseResult.fail(new ParseResult.Type(ast, input, fault))
      },
      encode: (value) => ParseResult.succeed(String(value))
    }
  )
}

/** With what counts for each when it is left out. */
const limits = ({ cpu, disk, memory }: Readonly<Record<keyof typeof bounds, string>>) => ({
  cpu: optional(limit(bounds.cpu), `CPU in MHz, 1 to 1000000; ${cpu} when left out.`, { examples: [2000] }),
  memory: optional(limit(bounds.memory), `Memory in MB, 10 to 16777216; ${memory} when left out.`, {
    examples: [4096]
  }),
  disk: optional(limit(bounds.disk), `Disk in MB, 10 to 16777216; ${disk} when left out.`, { examples: [20_480] })
})

const wider = (name: string): string => `the wider ${name} limit, of the phase, of all phases or of the service,`

const ofService = (build: number, others: number): string =>
  `the service's own for the phase (${build} for build, ${others} for test and publish, unless it is set otherwise)`

export const PhaseLimits = Schema.Struct(
  limits({ cpu: wider("cpu"), memory: wider("memory"), disk: wider("disk") })
).annotations({ message: typeFault("an object with cpu, memory, disk") })

export const ResourceLimits = Schema.Struct({
  ...limits({ cpu: ofService(1000, 500), memory: ofService(2048, 1024), disk: ofService(10_240, 2048) }),
  build: optional(PhaseLimits, "Limits of the build phase; those of all phases when left out."),
  test: optional(
    PhaseLimits,
    "Limits of each test job; test.resource_limits goes before it, those of all phases count when left out."
  ),
  publish: optional(PhaseLimits, "Limits of the publish phase; those of all phases when left out.")
}).annotations({ message: typeFault("an object with cpu, memory, disk, build, test, publish") })
