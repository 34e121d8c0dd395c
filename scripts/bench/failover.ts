import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { atMost, type Figure, figureUnder, percentile } from "./Figure.ts"

const goals = [
  { signal: "SIGKILL", name: "crash", most: 5000 },
  { signal: "SIGTERM", name: "graceful", most: 1000 }
] as const

/** (g) From the end of the leader to the next one's first registration. */
export const failover = async (tries: number): Promise<ReadonlyArray<Figure>> => {
  const output = await run(tries)
  const kind = /fail-over with a (\w+) Consul/.exec(output)?.[1] ?? "unknown"
  return goals.flatMap(({ most, name, signal }): ReadonlyArray<Figure> => {
    const acts = [...output.matchAll(new RegExp(`^${signal}  .*acts after (\\d+) ms`, "gm"))].map(([, ms]) =>
      Number(ms)
    )
    if (acts.length !== tries) throw new Error(`${acts.length} of ${tries} tries by ${signal} were measured: ${output}`)
    const figure = figureUnder("g", `${tries} tries, 2 replicas, ${kind} Consul, one record put at once`)
    return [
      figure(`fail-over, ${name}, p50`, percentile(acts, 0.5), "ms"),
      figure(`fail-over, ${name}, p99`, percentile(acts, 0.99), "ms", atMost(most))
    ]
  })
}

/** What it tells. It ends with 1 when a goal is missed, which the figures say themselves. */
const run = (tries: number): Promise<string> =>
  new Promise((resolve) => {
    const script = fileURLToPath(new URL("../failover.ts", import.meta.url))
    execFile(process.execPath, ["--import", "tsx", script, "--tries", String(tries)], (_error, stdout, stderr) =>
      resolve(stdout + stderr)
    )
  })
