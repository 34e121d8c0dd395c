import { Schema } from "effect"
import { isPrintable, optional, required, text } from "../../domain/BuildJobText.ts"

/** Job ids are UUIDs; a record that an operator put has a name of its own, which does as well. */
export const jobId = required(
  text({
    fault: (id) => {
      if (id.trim() === "") return "is required"
      return isPrintable(id, 512) ? undefined : "must be a job's id"
    },
    jsonSchema: { minLength: 1, maxLength: 512 }
  }),
  "The job's id, as submitJob answered it."
)

/** A whole number within bounds, with the mend in its fault. */
export const wholeNumber = (least: number, most: number, description: string) => {
  const message = () => ({ message: `must be a whole number from ${least} to ${most}`, override: true })
  return optional(
    Schema.Int.annotations({ message })
      .pipe(Schema.between(least, most, { message }))
      .annotations({
        jsonSchema: { type: "integer", minimum: least, maximum: most }
      }),
    description
  )
}

export const choice = <const A extends ReadonlyArray<string>>(values: A, description: string) =>
  optional(
    Schema.Literal(...values).annotations({
      message: () => ({ message: `must be one of ${values.join(", ")}`, override: true })
    }),
    description
  )

export const words = (most: number, description: string) =>
  optional(
    text({
      fault: (value) =>
        value !== "" && isPrintable(value, most) ? undefined : `must have 1 to ${most} printable characters`,
      jsonSchema: { minLength: 1, maxLength: most }
    }),
    description
  )

export const choices = <const A extends ReadonlyArray<string>>(values: A, description: string) => {
  const message = () => ({ message: `must be a list of some of ${values.join(", ")}`, override: true })
  return optional(
    Schema.Array(Schema.Literal(...values).annotations({ message })).annotations({ message }),
    description
  )
}

/** A whole number, or one of some words. */
export const oneOfEither = <const A extends ReadonlyArray<string>>(
  least: number,
  most: number,
  values: A,
  description: string
) => {
  const fault = `must be a whole number from ${least} to ${most}, or ${values.join(" or ")}`
  const number = Schema.Int.pipe(Schema.between(least, most)).annotations({
    jsonSchema: { type: "integer", minimum: least, maximum: most }
  })
  return optional(
    Schema.Union(number, Schema.Literal(...values)).annotations({
      message: () => ({ message: fault, override: true })
    }),
    description
  )
}
