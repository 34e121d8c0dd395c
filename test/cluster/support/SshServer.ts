import { type ChildProcess, spawn } from "node:child_process"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { createConnection } from "node:net"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { command } from "../../../scripts/cluster/Docker.ts"
import { freePort } from "../../jobspec/processes.ts"

export interface SshServer {
  /** Of a repository's path. */
  readonly url: (path: string) => string
  /** The one key that it lets in, which may do nothing but fetch. */
  readonly key: string
  /** As a `known_hosts` file has it. */
  readonly hostKey: string
  readonly stop: () => Promise<void>
}

/** An OpenSSH server of one's own on a port of 127.0.0.1. */
export const startSshServer = async (program: string, folder: string): Promise<SshServer> => {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  mkdirSync("/run/sshd", { recursive: true, mode: 0o755 })
  const [host, client] = ["host", "client"].map((name) => join(folder, name))
  for (const file of [host, client]) {
    await command(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", String(file)])
  }
  const port = await freePort()
  const only = 'restrict,command="git-shell -c \\"$SSH_ORIGINAL_COMMAND\\""'
  writeFileSync(join(folder, "authorized_keys"), `${only} ${readFileSync(`${client}.pub`, "utf8")}`)
  const config = [
    `Port ${port}`,
    "ListenAddress 127.0.0.1",
    `HostKey ${host}`,
    `AuthorizedKeysFile ${join(folder, "authorized_keys")}`,
    `PidFile ${join(folder, "sshd.pid")}`,
    "StrictModes no",
    "UsePAM no",
    "PermitRootLogin prohibit-password",
    "PasswordAuthentication no"
  ]
  writeFileSync(join(folder, "sshd_config"), `${config.join("\n")}\n`)
  const server = spawn(program, ["-D", "-e", "-f", join(folder, "sshd_config")], { stdio: "ignore" })
  await listens(port)
  return {
    url: (path) => `ssh://root@127.0.0.1:${port}${path}`,
    key: readFileSync(String(client), "utf8"),
    hostKey: `[127.0.0.1]:${port} ${readFileSync(`${host}.pub`, "utf8")}`,
    stop: () => ended(server)
  }
}

const listens = async (port: number): Promise<void> => {
  for (let tries = 0; tries < 100; tries++) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = createConnection(port, "127.0.0.1", () => resolve(true))
      socket.once("error", () => resolve(false))
      socket.once("close", () => socket.destroy())
      socket.once("connect", () => socket.end())
    })
    if (open) return
    await pause(50)
  }
  throw new Error("sshd does not listen")
}

const ended = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve()
    child.once("exit", () => resolve())
    child.kill("SIGTERM")
  })
