import { randomInt } from "node:crypto"
import { request as httpRequest } from "node:http"
import { request as httpsRequest } from "node:https"
import type { ConsulEngine } from "./ConsulEngine.ts"
import type { Check, CheckStatus, HttpProbe } from "./ConsulState.ts"
import { valuesUnder } from "./SortedMap.ts"

/** Performs the HTTP checks that services have registered, each at its own pace, for as long as they are registered. */
export class HttpProber {
  private readonly engine: ConsulEngine
  private readonly probes = new Map<string, { readonly probe: HttpProbe; timer: NodeJS.Timeout }>()

  constructor(engine: ConsulEngine) {
    this.engine = engine
  }

  /** Starts what is new or has changed, and stops what is gone. */
  readonly follow = (): void => {
    const wanted = new Map(valuesUnder(this.engine.state.checks).flatMap(probeOf))
    for (const [id, { probe, timer }] of this.probes) {
      if (wanted.get(id) === probe) continue
      clearTimeout(timer)
      this.probes.delete(id)
    }
    for (const [id, probe] of wanted) {
      if (this.probes.has(id)) continue
      // Consul spreads the first ones, so that checks registered together don't fire together.
      this.probes.set(id, { probe, timer: this.later(id, probe, randomInt(Math.ceil(probe.intervalMs))) })
    }
  }

  close(): void {
    for (const { timer } of this.probes.values()) clearTimeout(timer)
    this.probes.clear()
  }

  private later(id: string, probe: HttpProbe, ms: number): NodeJS.Timeout {
    return setTimeout(() => void this.run(id, probe), ms).unref()
  }

  private async run(id: string, probe: HttpProbe): Promise<void> {
    const { status, output } = await performProbe(probe)
    const current = this.probes.get(id)
    if (current?.probe !== probe) return
    current.timer = this.later(id, probe, probe.intervalMs)
    try {
      this.engine.execute({ _tag: "CheckUpdate", id, status, output, from: "probe" })
    } catch {
      // The journal can't be written; the next result is as good.
    }
  }
}

const maxOutputBytes = 4096

const probeOf = (check: Check): ReadonlyArray<readonly [string, HttpProbe]> =>
  check.spec.kind._tag === "Http" ? [[check.spec.id, check.spec.kind.probe]] : []

/** 2xx passes, 429 warns, all else is critical, as is no answer in time. */
const performProbe = (probe: HttpProbe): Promise<{ readonly status: CheckStatus; readonly output: string }> =>
  new Promise((resolve) => {
    const failed = (error: unknown) => {
      const why = error instanceof Error ? error.message : String(error)
      resolve({ status: "critical", output: `${probe.method} ${JSON.stringify(probe.url)}: ${why}` })
    }
    try {
      const send = probe.url.startsWith("https:") ? httpsRequest : httpRequest
      const headers = Object.fromEntries(Object.entries(probe.headers).map(([name, values]) => [name, [...values]]))
      const outgoing = send(
        probe.url,
        {
          method: probe.method,
          headers: { "User-Agent": "Consul Health Check", Accept: "text/plain, text/*, */*", ...headers },
          agent: false,
          signal: AbortSignal.timeout(probe.timeoutMs),
          ...(probe.tlsSkipVerify ? { rejectUnauthorized: false } : {})
        },
        (response) => {
          const chunks: Array<Buffer> = []
          let size = 0
          response.on("data", (chunk: Buffer) => {
            if (size < maxOutputBytes) chunks.push(chunk)
            size += chunk.length
          })
          response.on("error", failed)
          response.on("end", () => {
            const code = response.statusCode ?? 0
            const body = Buffer.concat(chunks).subarray(0, maxOutputBytes).toString("utf8")
            const line = `HTTP ${probe.method} ${probe.url}: ${code} ${response.statusMessage ?? ""}`
            resolve({ status: statusOf(code), output: `${line} Output: ${body}` })
          })
        }
      )
      outgoing.on("error", failed)
      outgoing.end(probe.body)
    } catch (error) {
      failed(error)
    }
  })

const statusOf = (code: number): CheckStatus => {
  if (code >= 200 && code <= 299) return "passing"
  return code === 429 ? "warning" : "critical"
}
