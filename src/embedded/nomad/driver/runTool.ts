import { spawn } from "node:child_process"
import type { Readable } from "node:stream"
import { Effect } from "effect"

export interface ToolRequest {
  /** Program and arguments. */
  readonly command: ReadonlyArray<string>
  /** The whole environment: nothing is inherited, so no token of this process reaches the tool. */
  readonly env: Readonly<Record<string, string>>
  readonly cwd?: string
}

export interface ToolResult {
  /** 127 when the program could not be started, 128 plus the number when a signal ended it. */
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a short-lived helper to its end. Interruption kills its process group, since tools like buildah fork. */
export const runTool = (request: ToolRequest): Effect.Effect<ToolResult> =>
  Effect.async<ToolResult>((resume) => {
    const [program = "", ...args] = request.command
    const child = spawn(program, args, {
      env: { ...request.env },
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      ...(request.cwd === undefined ? {} : { cwd: request.cwd })
    })
    const stdout = collect(child.stdout)
    const stderr = collect(child.stderr)
    child.once("error", (error) => {
      resume(Effect.succeed({ exitCode: 127, stdout: "", stderr: error.message }))
    })
    child.once("close", (code) => {
      resume(Effect.succeed({ exitCode: code ?? 137, stdout: stdout(), stderr: stderr() }))
    })
    return Effect.async<void>((ended) => {
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) {
        ended(Effect.void)
        return
      }
      child.once("close", () => ended(Effect.void))
      signalGroup(child.pid, "SIGKILL")
    })
  })

/** Signals a process group; one that is already gone is no error. */
export const signalGroup = (leader: number, name: NodeJS.Signals): void => {
  signalProcess(-leader, name)
}

/** Signals one process (or, below zero, a group); one that is already gone is no error. */
export const signalProcess = (pid: number, name: NodeJS.Signals): void => {
  try {
    process.kill(pid, name)
  } catch {
    // ESRCH: it ended between the look and the signal, which is what was wanted.
  }
}

const collect = (stream: Readable): (() => string) => {
  const chunks: Array<Buffer> = []
  stream.on("data", (chunk: Buffer) => chunks.push(chunk))
  return () => Buffer.concat(chunks).toString("utf8")
}
