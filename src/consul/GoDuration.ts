import { Duration } from "effect"

/** As Go reads it. Always with a unit: Consul takes small bare numbers for seconds and large ones for nanoseconds. */
export const goDuration = (input: Duration.DurationInput): string => `${Math.round(Duration.toMillis(input))}ms`
