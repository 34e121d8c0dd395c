import { spawn } from "node:child_process"
import { mkdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { cleanEnvironment, OwnProcess } from "../chaos/OwnProcess.ts"
import type { Programs } from "./programs.ts"

/** A Docker daemon: the one that `DOCKER_HOST` names, or one of its own with everything that belongs to it in a folder. */
export class Docker {
  /** For `DOCKER_HOST`. */
  readonly host: string
  readonly #folder: string
  readonly #program: string
  readonly #daemon: OwnProcess | undefined

  private constructor(host: string, folder: string, program: string, daemon: OwnProcess | undefined) {
    this.host = host
    this.#folder = folder
    this.#program = program
    this.#daemon = daemon
  }

  static async start(folder: string, programs: Programs): Promise<Docker> {
    if (programs.dockerd === undefined)
      return new Docker(process.env["DOCKER_HOST"] ?? "", folder, programs.docker, undefined)
    mkdirSync(folder, { recursive: true })
    const host = `unix://${join(folder, "docker.sock")}`
    const daemon = OwnProcess.start(
      programs.dockerd,
      [
        `--data-root=${join(folder, "data")}`,
        `--exec-root=${join(folder, "exec")}`,
        `--pidfile=${join(folder, "docker.pid")}`,
        `--host=${host}`,
        "--log-level=warn",
        // Every step has the host's network: no bridge, and the machine's firewall stays as it is.
        "--bridge=none",
        "--iptables=false",
        "--ip6tables=false"
      ],
      { log: join(folder, "dockerd.log"), env: cleanEnvironment() }
    )
    const docker = new Docker(host, folder, programs.docker, daemon)
    for (let tries = 0; tries < 300; tries++) {
      const answered = await docker.run(["version", "--format", "{{.Server.Version}}"]).then(
        () => true,
        () => false
      )
      if (answered) return docker
      if (!daemon.running) break
      await pause(200)
    }
    await docker.stop()
    throw new Error(`dockerd does not answer: see ${join(folder, "dockerd.log")}`)
  }

  /** What `docker ARGS` prints. */
  run(args: ReadonlyArray<string>, environment: Readonly<Record<string, string>> = {}): Promise<string> {
    return command([this.#program, ...args], { DOCKER_HOST: this.host, ...environment })
  }

  /** A tree of files as an image of one layer. */
  importTree(folder: string, image: string): Promise<string> {
    const script = 'tar -C "$1" --numeric-owner -c . | "$2" import - "$3"'
    return command(["sh", "-c", script, "sh", folder, this.#program, image], { DOCKER_HOST: this.host })
  }

  /** Ids of the containers, running or not, that Nomad made for an allocation; without one, for any. */
  async containers(allocation?: string): Promise<ReadonlyArray<string>> {
    const label = "com.hashicorp.nomad.alloc_id"
    const filter = `label=${allocation === undefined ? label : `${label}=${allocation}`}`
    const listed = await this.run(["ps", "--all", "--quiet", "--no-trunc", "--filter", filter])
    return listed.split("\n").filter((id) => id !== "")
  }

  /** Paths of the file systems that it has mounted for containers. */
  mounts(): ReadonlyArray<string> {
    return mountsBelow(this.#folder).filter((path) => /\/(overlay2|containers)\//.test(path))
  }

  async stop(): Promise<void> {
    if (this.#daemon === undefined) return
    await this.#daemon.end("SIGTERM")
    // The name space of the host's network, which a daemon never gives back.
    await unmountBelow(this.#folder)
  }
}

export const mountsBelow = (folder: string): ReadonlyArray<string> =>
  readFileSync("/proc/mounts", "utf8")
    .split("\n")
    .flatMap((line) => line.split(" ").slice(1, 2))
    .filter((path) => path.startsWith(`${folder}/`))

export const unmountBelow = async (folder: string): Promise<void> => {
  for (const path of mountsBelow(folder).toReversed()) await command(["umount", "-l", path]).catch(() => "")
}

/** What a command prints on stdout; rejects with what it printed on stderr. */
export const command = (
  line: ReadonlyArray<string>,
  environment: Readonly<Record<string, string>> = {},
  cwd = "."
): Promise<string> =>
  new Promise((resolve, reject) => {
    const [program = "", ...args] = line
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, ...environment },
      stdio: ["ignore", "pipe", "pipe"]
    })
    const output: Array<Buffer> = []
    let errors = ""
    child.stdout.on("data", (chunk: Buffer) => output.push(chunk))
    child.stderr.on("data", (chunk: Buffer) => {
      errors = (errors + chunk.toString()).slice(-4000)
    })
    child.once("error", reject)
    child.once("close", (code) => {
      const text = Buffer.concat(output).toString().trim()
      if (code === 0) resolve(text)
      else reject(new Error(`${line.join(" ")} ended with ${code}:\n${text.slice(-4000)}\n${errors}`))
    })
  })
