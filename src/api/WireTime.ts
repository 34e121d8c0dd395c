import { Schema } from "effect"

/** UTC with milliseconds, `YYYY-MM-DDTHH:MM:SS.sssZ`: a text here, since whoever reads it is a program in any language. */
export const WireTime = Schema.String.annotations({
  jsonSchema: { type: "string", format: "date-time" },
  description: "UTC, YYYY-MM-DDTHH:MM:SS.sssZ."
})

export const wireTime = (millis: number): string => new Date(millis).toISOString()

/** Nanoseconds, as the service's clients expect durations. */
export const Nanoseconds = Schema.Int.annotations({ description: "Nanoseconds." })
