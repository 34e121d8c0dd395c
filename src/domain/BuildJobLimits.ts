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

const limits = {
  cpu: optional(limit(bounds.cpu), "CPU in MHz, 1 to 1000000."),
  memory: optional(limit(bounds.memory), "Memory in MB, 10 to 16777216."),
  disk: optional(limit(bounds.disk), "Disk in MB, 10 to 16777216.")
}

export const PhaseLimits = Schema.Struct(limits).annotations({ message: typeFault("an object with cpu, memory, disk") })

export const ResourceLimits = Schema.Struct({
  ...limits,
  build: optional(PhaseLimits, "Limits of the build phase."),
  test: optional(PhaseLimits, "Limits of each test job; test.resource_limits goes before it."),
  publish: optional(PhaseLimits, "Limits of the publish phase.")
}).annotations({ message: typeFault("an object with cpu, memory, disk, build, test, publish") })
