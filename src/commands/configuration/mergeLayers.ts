import { isObject, type JsonObject } from "./parsedConfiguration.ts"

/**
 * What is given in `upper` goes before `lower`, whatever its value is: `false`, `0` and empty ones too. Maps are merged,
 * lists replaced.
 */
export const mergeLayers = (lower: JsonObject, upper: JsonObject): JsonObject => ({
  ...lower,
  ...Object.fromEntries(
    Object.entries(upper).map(([key, value]) => {
      const below = Object.hasOwn(lower, key) ? lower[key] : undefined
      return [key, isObject(value) && isObject(below) ? mergeLayers(below, value) : value]
    })
  )
})
