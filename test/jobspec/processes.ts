import { spawn, spawnSync, type ChildProcess } from "node:child_process"
import { once } from "node:events"
import { createServer } from "node:net"

export interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface Running {
  readonly process: ChildProcess
  readonly ended: Promise<Ended>
  /** To the whole process group, as the end of a container would. */
  readonly signal: (signal: NodeJS.Signals) => void
  /** Resolves when the text has appeared in stdout. */
  readonly printed: (text: string) => Promise<void>
}

export const available = (program: string): boolean =>
  spawnSync("sh", ["-c", 'command -v "$1"', "sh", program]).status === 0

export const start = (
  command: ReadonlyArray<string>,
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {}
): Running => {
  const [program = "", ...args] = command
  const child = spawn(program, args, { ...options, detached: true, stdio: ["ignore", "pipe", "pipe"] })
  const output = { stdout: "", stderr: "" }
  child.stdout.on("data", (chunk: Buffer) => {
    output.stdout += chunk.toString()
  })
  child.stderr.on("data", (chunk: Buffer) => {
    output.stderr += chunk.toString()
  })
  const ended = once(child, "close").then(([code]) => ({ code: typeof code === "number" ? code : -1, ...output }))
  const printed = async (text: string): Promise<void> => {
    while (!output.stdout.includes(text)) {
      if (child.exitCode !== null) throw new Error(`ended without printing ${text}: ${output.stdout}${output.stderr}`)
      await pause(20)
    }
  }
  const signal = (name: NodeJS.Signals): void => {
    if (child.pid !== undefined) process.kill(-child.pid, name)
  }
  return { process: child, ended, printed, signal }
}

export const execute = async (
  command: ReadonlyArray<string>,
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {}
): Promise<string> => {
  const { code, stdout, stderr } = await start(command, options).ended
  if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code}: ${stdout}${stderr}`)
  return stdout.trim()
}

const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, milliseconds)
  })

export const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  server.close()
  await once(server, "close")
  if (address === null || typeof address === "string") throw new Error("no port")
  return address.port
}

/** Until it answers at all. */
export const answering = async (url: string): Promise<void> => {
  for (let round = 0; round < 200; round++) {
    const answered = await fetch(url).then(
      () => true,
      () => false
    )
    if (answered) return
    await pause(25)
  }
  throw new Error(`${url} does not answer`)
}
