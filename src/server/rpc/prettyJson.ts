/** JSON for people and language models: indented by two spaces, keys in order. */
export const prettyJson = (value: unknown): string => JSON.stringify(sorted(value), null, 2)

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => [key, sorted(member)])
  )
}
