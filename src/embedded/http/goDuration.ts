/** A duration as Go writes it. */
export type GoDuration =
  | { readonly _tag: "Duration"; readonly ms: number }
  | { readonly _tag: "Refused"; readonly why: string }

/**
 * Reads `1h15m`, `1.5s`, `-3us` as Go's time.ParseDuration does, in milliseconds; the refusals are Go's own texts, since
 * Consul and Nomad pass them on.
 */
export const parseGoDuration = (text: string): GoDuration => {
  const refused = (what: string): GoDuration => ({ _tag: "Refused", why: `time: ${what} ${JSON.stringify(text)}` })
  const sign = text.startsWith("-") ? -1 : 1
  const rest = /^[+-]/.test(text) ? text.slice(1) : text
  if (rest === "0") return { _tag: "Duration", ms: 0 }
  if (rest === "") return refused("invalid duration")
  let total = 0
  let at = 0
  while (at < rest.length) {
    const part = /^(\d+\.?\d*|\.\d+)([^\d.]*)/.exec(rest.slice(at))
    if (part === null) return refused("invalid duration")
    const [whole, amount = "", unit = ""] = part
    if (unit === "") return refused("missing unit in duration")
    const factor = unitMs.get(unit)
    if (factor === undefined) return refused(`unknown unit ${JSON.stringify(unit)} in duration`)
    total += Number(amount) * factor
    at += whole.length
  }
  return { _tag: "Duration", ms: sign * total }
}

/** Writes milliseconds as Go's Duration.String does: `24h0m0s`, `1m30s`, `1.5s`, `250ms`, `0s`. */
export const formatGoDuration = (ms: number): string => {
  if (ms === 0) return "0s"
  const sign = ms < 0 ? "-" : ""
  const size = Math.abs(ms)
  if (size < 0.001) return `${sign}${trim(size * 1e6)}ns`
  if (size < 1) return `${sign}${trim(size * 1e3)}µs`
  if (size < 1000) return `${sign}${trim(size)}ms`
  const hours = Math.floor(size / 3_600_000)
  const minutes = Math.floor(size / 60_000) % 60
  const seconds = `${trim((size % 60_000) / 1000)}s`
  if (hours > 0) return `${sign}${hours}h${minutes}m${seconds}`
  return minutes > 0 ? `${sign}${minutes}m${seconds}` : `${sign}${seconds}`
}

const unitMs = new Map([
  ["ns", 1e-6],
  ["us", 1e-3],
  ["µs", 1e-3],
  ["μs", 1e-3],
  ["ms", 1],
  ["s", 1000],
  ["m", 60_000],
  ["h", 3_600_000]
])

const trim = (value: number): string => String(Number(value.toFixed(9)))
