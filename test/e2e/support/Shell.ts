import { spawn } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

export interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** A user's shell in a folder of its own, with the real program on its PATH. */
export class Shell {
  readonly folder: string
  readonly #environment: Readonly<Record<string, string>>

  constructor(program: string, environment: Readonly<Record<string, string>>) {
    this.folder = mkdtempSync(join(tmpdir(), "jobforge-shell-"))
    const bin = join(this.folder, ".bin")
    mkdirSync(bin)
    writeFileSync(join(bin, "jobforge"), `#!/bin/sh\nexec "${process.execPath}" "${program}" "$@"\n`, { mode: 0o755 })
    this.#environment = { PATH: `${bin}:${process.env["PATH"] ?? ""}`, HOME: this.folder, ...environment }
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.folder, name), text)
  }

  /** By bash, as scripts run it; `input` is its stdin, which is empty when left out. */
  run(script: string, input = ""): Promise<Ended> {
    return new Promise((resolve, reject) => {
      const child = spawn("bash", ["-c", script], { cwd: this.folder, env: this.#environment, timeout: 240_000 })
      const parts = { stdout: "", stderr: "" }
      child.stdout.on("data", (chunk: Buffer) => (parts.stdout += chunk.toString()))
      child.stderr.on("data", (chunk: Buffer) => (parts.stderr += chunk.toString()))
      child.once("error", reject)
      child.once("close", (code) => resolve({ code: code ?? -1, ...parts }))
      child.stdin.on("error", () => undefined)
      child.stdin.end(input)
    })
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}
