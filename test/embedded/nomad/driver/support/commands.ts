import { spawn } from "node:child_process"
import { once } from "node:events"

/** Runs a program to its end and gives its output; throws, with its stderr, when it fails. */
export const command = async (
  words: ReadonlyArray<string>,
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {}
): Promise<string> => {
  const [program = "", ...args] = words
  const child = spawn(program, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd })
  })
  let stdout = ""
  let stderr = ""
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString("utf8")))
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString("utf8")))
  await once(child, "close")
  if (child.exitCode !== 0) throw new Error(`${words.join(" ")}: exit ${child.exitCode}\n${stderr}`)
  return stdout
}
