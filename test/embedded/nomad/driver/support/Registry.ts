import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdir, writeFile } from "node:fs/promises"
import { createServer } from "node:net"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { Effect, type Scope } from "effect"

/** `tester` / `open sesame`, as docker-registry wants it: bcrypt. */
const htpasswd = "tester:$2b$05$abcdefghijklmnopqrstuupx2xBUC4954936wVIjyyPHmUBFu0wCW\n"

/** Debian's docker-registry on a free port of 127.0.0.1; gives `host:port`. */
export const registry = (
  folder: string,
  options: { readonly login: boolean } = { login: false }
): Effect.Effect<string, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(async () => {
        const address = `127.0.0.1:${await freePort()}`
        await mkdir(folder, { recursive: true })
        await writeFile(join(folder, "htpasswd"), htpasswd)
        await writeFile(join(folder, "config.yml"), configuration(folder, address, options.login))
        const child = spawn("docker-registry", ["serve", join(folder, "config.yml")], { stdio: "ignore" })
        await answering(`http://${address}/v2/`)
        return { child, address }
      }),
      ({ child }) =>
        Effect.promise(async () => {
          const closed = once(child, "close")
          child.kill("SIGKILL")
          await closed
        })
    ),
    ({ address }) => address
  )

/** A port that nothing listens on just now. */
export const freePort = async (): Promise<number> => {
  const server = createServer()
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  server.close()
  await once(server, "close")
  if (address === null || typeof address === "string") throw new Error("no port")
  return address.port
}

const configuration = (folder: string, address: string, login: boolean): string =>
  [
    "version: 0.1",
    "log: { level: error }",
    `storage: { filesystem: { rootdirectory: ${join(folder, "data")} }, delete: { enabled: true } }`,
    `http: { addr: ${address} }`,
    ...(login ? [`auth: { htpasswd: { realm: test, path: ${join(folder, "htpasswd")} } }`] : []),
    ""
  ].join("\n")

const answering = async (url: string): Promise<void> => {
  for (let tries = 0; tries < 200; tries += 1) {
    const answered = await fetch(url).then(
      () => true,
      () => false
    )
    if (answered) return
    await pause(25)
  }
  throw new Error(`${url} does not answer`)
}
