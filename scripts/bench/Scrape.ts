/** What `/metrics` told at one moment. */
export class Scrape {
  readonly #series: ReadonlyArray<Series>

  constructor(text: string) {
    this.#series = text.split("\n").flatMap((line) => {
      const found = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line)
      if (found === null) return []
      const labels = [...(found[2] ?? "").matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)]
      return [
        {
          name: found[1] ?? "",
          labels: new Map(labels.map(([, label = "", value = ""]) => [label, value] as const)),
          value: Number(found[3])
        }
      ]
    })
  }

  /** The sum of all series of this name whose labels pass. A name that nothing has would be met by every bound. */
  sum(name: string, passes: (label: (name: string) => string) => boolean = () => true): number {
    const named = this.#series.filter((one) => one.name === name)
    if (named.length === 0) throw new Error(`the service tells nothing of ${name}`)
    return named
      .filter(({ labels }) => passes((label) => labels.get(label) ?? ""))
      .reduce((total, { value }) => total + value, 0)
  }
}

interface Series {
  readonly name: string
  readonly labels: ReadonlyMap<string, string>
  readonly value: number
}

/** What each job cost between two moments. */
export interface Counts {
  readonly reconciles: number
  /** To Consul. */
  readonly writes: number
  readonly requests: number
}

export const countsAJob = (before: Scrape, after: Scrape, jobs: number): Counts => {
  const each = (of: (scrape: Scrape) => number) => (of(after) - of(before)) / jobs
  return { reconciles: each(reconcilesIn), writes: each(writesIn), requests: each(requestsIn) }
}

/** Requests to Consul, Nomad and Vault so far, without those that only wait for news. */
const requestsIn = (scrape: Scrape): number =>
  scrape.sum("rest_client_requests_total", (label) => !label("operation").startsWith("watch."))

/** Requests that change something in Consul: each is one entry of its log. Sessions and checks are the election's. */
const writesIn = (scrape: Scrape): number =>
  scrape.sum("rest_client_requests_total", (label) => writing.has(label("operation")) && label("system") === "consul")

const writing = new Set(["txn", "kv.put", "kv.delete", "kv.acquire", "kv.release"])

export const reconcilesIn = (scrape: Scrape): number => scrape.sum("controller_runtime_reconcile_total")
