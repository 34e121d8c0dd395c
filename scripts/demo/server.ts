import { type ChildProcess, spawn } from "node:child_process"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"

export interface DevPorts {
  readonly service: number
  readonly consul: number
  readonly nomad: number
  readonly registry: number
}

/**
 * Four ports that nobody listens on: those of the last run if they are still free, since the layer cache of a build
 * belongs to the registry that it publishes to.
 */
export const freePorts = async (memory: string): Promise<DevPorts> => {
  const last: ReadonlyArray<number> = existsSync(memory) ? readFileSync(memory, "utf8").split(" ").map(Number) : []
  const ports = await Promise.all([0, 1, 2, 3].map((at) => freePort(last[at] ?? 0).catch(() => freePort(0))))
  writeFileSync(memory, ports.join(" "))
  const [service = 0, consul = 0, nomad = 0, registry = 0] = ports
  return { service, consul, nomad, registry }
}

const freePort = (wanted: number): Promise<number> =>
  new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once("error", reject)
    probe.listen(wanted, "127.0.0.1", () => {
      const address = probe.address()
      const port = typeof address === "object" && address !== null ? address.port : 0
      probe.close(() => resolve(port))
    })
  })

export interface DevSetup {
  readonly program?: string
  readonly environment?: Readonly<Record<string, string>>
  /** Further flags. */
  readonly flags?: ReadonlyArray<string>
}

/** Runs `jobforge dev` as a user would, and resolves once all of it answers. */
export const startDev = (
  data: string,
  ports: DevPorts,
  { program = "dist/jobforge.mjs", environment = {}, flags: further = [] }: DevSetup = {}
): Promise<ChildProcess> =>
  new Promise((resolve, reject) => {
    const args = [program, "dev", "--data", data]
    const flags = [
      ["--port", ports.service],
      ["--consul-port", ports.consul],
      ["--nomad-port", ports.nomad],
      ["--registry-port", ports.registry]
    ].flatMap(([flag, port]) => [String(flag), String(port)])
    const { CONSUL_HTTP_ADDR: _consul, NOMAD_ADDR: _nomad, ...inherited } = process.env
    const child = spawn(process.execPath, [...args, ...flags, ...further], {
      env: { ...inherited, LOG_LEVEL: "warn", ...environment },
      stdio: ["ignore", "pipe", "pipe"]
    })
    let errors = ""
    child.stderr.on("data", (chunk: Buffer) => {
      errors = (errors + chunk.toString()).slice(-4000)
    })
    child.stdout.on("data", (chunk: Buffer) => {
      if (chunk.toString().includes("Service")) resolve(child)
    })
    child.once("error", reject)
    child.once("exit", (code) => reject(new Error(`jobforge dev ended with ${code}:\n${errors}`)))
  })

/** Ends it cleanly and waits for that. */
export const stopDev = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve()
    child.removeAllListeners("exit")
    child.once("exit", () => resolve())
    child.kill("SIGTERM")
  })
