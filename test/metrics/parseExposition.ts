/** One family as a scraper understands it. */
export interface ParsedFamily {
  readonly name: string
  readonly type: string
  readonly help: string
  readonly samples: Array<Sample>
}

export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/**
 * Reads Prometheus' text format 0.0.4, or OpenMetrics 1.0, and throws at whatever the format doesn't allow: samples
 * outside their family, families or series that come twice, histograms that don't add up.
 */
export const parseExposition = (
  text: string,
  format: "prometheus" | "openmetrics"
): ReadonlyMap<string, ParsedFamily> => {
  const families = new Map<string, ParsedFamily>()
  if (!text.endsWith("\n")) throw new Error("the last line has no end")
  const lines = text.slice(0, -1).split("\n")
  if (format === "openmetrics" && lines.pop() !== "# EOF") throw new Error("# EOF is missing")
  let help: { name: string; text: string } | undefined
  let current: ParsedFamily | undefined
  const series = new Set<string>()
  for (const line of lines) {
    const [, helped, words] = /^# HELP (\S+) (.*)$/.exec(line) ?? []
    if (helped !== undefined && words !== undefined) {
      help = { name: helped, text: words }
      continue
    }
    const [, typed, type] = /^# TYPE (\S+) (counter|gauge|histogram|summary|unknown|info)$/.exec(line) ?? []
    if (typed !== undefined && type !== undefined) {
      if (help?.name !== typed) throw new Error(`${typed} has no HELP right before its TYPE`)
      if (families.has(typed)) throw new Error(`${typed} comes twice`)
      current = { name: typed, type, help: help.text, samples: [] }
      families.set(typed, current)
      continue
    }
    if (line.startsWith("#")) throw new Error(`not understood: ${line}`)
    const sample = parseSample(line)
    if (current === undefined || !belongs(sample.name, current, format)) {
      throw new Error(`${sample.name} is not of ${current?.name ?? "any family"}`)
    }
    const key = `${sample.name} ${keyOf(sample.labels)}`
    if (series.has(key)) throw new Error(`the series comes twice: ${line}`)
    series.add(key)
    current.samples.push(sample)
  }
  for (const family of families.values()) {
    if (family.type === "histogram") checkHistogram(family)
    if (family.type === "counter" && family.samples.some(({ value }) => !(value >= 0))) {
      throw new Error(`${family.name} counts below 0`)
    }
  }
  return families
}

const keyOf = (labels: Readonly<Record<string, string>>): string =>
  JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)))

const belongs = (name: string, { name: family, type }: ParsedFamily, format: "prometheus" | "openmetrics"): boolean => {
  if (type === "histogram") return [`${family}_bucket`, `${family}_sum`, `${family}_count`].includes(name)
  if (type === "counter" && format === "openmetrics") return name === `${family}_total`
  return name === family
}

const parseSample = (line: string): Sample => {
  const [, name, , labels = "", value] =
    /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\]|\\["\\n])*",?)*)\})? (\S+)$/.exec(line) ?? []
  if (name === undefined || value === undefined) throw new Error(`no sample: ${line}`)
  if (!/^(?:[+-]?Inf|NaN|[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/.test(value)) throw new Error(`no number: ${line}`)
  const parsed: Record<string, string> = {}
  let rest = labels
  while (rest !== "") {
    const [all, label, text] = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\["\\n])*)"(?:,|$)/.exec(rest) ?? []
    if (all === undefined || label === undefined || text === undefined) throw new Error(`labels: ${line}`)
    if (label in parsed) throw new Error(`the label ${label} comes twice: ${line}`)
    parsed[label] = text.replaceAll(/\\(.)/g, (_, escaped: string) => (escaped === "n" ? "\n" : escaped))
    rest = rest.slice(all.length)
  }
  return { name, labels: parsed, value: numberOf(value) }
}

const numberOf = (text: string): number =>
  text.endsWith("Inf") ? Number(text.replace("Inf", "Infinity")) : Number(text)

const checkHistogram = ({ name, samples }: ParsedFamily): void => {
  const bySeries = new Map<string, { buckets: Array<readonly [number, number]>; sum?: number; count?: number }>()
  for (const { labels, name: sample, value } of samples) {
    const { le, ...rest } = labels
    const key = keyOf(rest)
    const found = bySeries.get(key) ?? { buckets: [] }
    bySeries.set(key, found)
    if (sample.endsWith("_bucket")) {
      if (le === undefined) throw new Error(`a bucket of ${name} has no bound`)
      found.buckets.push([numberOf(le), value])
    } else if (sample.endsWith("_sum")) found.sum = value
    else found.count = value
  }
  for (const [key, { buckets, count, sum }] of bySeries) {
    const last = buckets.at(-1)
    if (sum === undefined || count === undefined) throw new Error(`${name}${key} lacks its sum or count`)
    if (last === undefined || last[0] !== Number.POSITIVE_INFINITY || last[1] !== count) {
      throw new Error(`${name}${key} doesn't end with all that was counted`)
    }
    buckets.reduce((before, bucket) => {
      if (bucket[0] <= before[0] || bucket[1] < before[1]) throw new Error(`${name}${key} falls`)
      return bucket
    })
  }
}

/** The value of the only series with these labels, or undefined. */
export const valueOf = (
  families: ReadonlyMap<string, ParsedFamily>,
  family: string,
  labels: Readonly<Record<string, string>>,
  name = family
): number | undefined => {
  const found = (families.get(family)?.samples ?? []).filter(
    (sample) => sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value)
  )
  if (found.length > 1) throw new Error(`${found.length} series of ${name} fit`)
  return found[0]?.value
}
