import type { MetricObjectWithValues, MetricValue, MetricValueWithName } from "prom-client"

export type TextFormat = "prometheus" | "openmetrics"

/**
 * prom-client's own rendering writes `Nan`, and its OpenMetrics renames the counters for good, so that the other format
 * lacks their `_total` from then on.
 */
export const renderMetrics = (
  families: ReadonlyArray<MetricObjectWithValues<MetricValue<string>>>,
  format: TextFormat
): string => {
  const texts = families.map((found) => renderFamily(found, format))
  return `${texts.join("")}${format === "openmetrics" ? "# EOF\n" : ""}`
}

export const contentTypes: Readonly<Record<TextFormat, string>> = {
  prometheus: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
}

const renderFamily = (
  { help, name, type, values }: MetricObjectWithValues<MetricValue<string>>,
  format: TextFormat
): string => {
  const open = format === "openmetrics"
  const total = name.endsWith("_total")
  // OpenMetrics names a counter without the ending that its samples have; one that has no such ending can't be one.
  const title = open && total && String(type) === "counter" ? name.slice(0, -"_total".length) : name
  const kind = open && !total && String(type) === "counter" ? "unknown" : String(type)
  const lines = values.map((value) => `${nameOf(value) ?? name}${labelsOf(value.labels)} ${numberOf(value.value)}\n`)
  return `# HELP ${title} ${escaped(help, open)}\n# TYPE ${title} ${kind}\n${lines.join("")}`
}

const nameOf = (value: MetricValue<string> | MetricValueWithName<string>): string | undefined =>
  "metricName" in value ? value.metricName : undefined

const labelsOf = (labels: Readonly<Record<string, string | number | undefined>>): string => {
  const parts = Object.entries(labels).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}="${escaped(String(value), true)}"`]
  )
  return parts.length === 0 ? "" : `{${parts.join(",")}}`
}

const escaped = (text: string, quotes: boolean): string => {
  const plain = text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")
  return quotes ? plain.replaceAll('"', '\\"') : plain
}

const numberOf = (value: number): string => {
  if (Number.isNaN(value)) return "NaN"
  if (Number.isFinite(value)) return String(value)
  return value > 0 ? "+Inf" : "-Inf"
}
