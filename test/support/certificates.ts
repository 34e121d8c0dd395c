import { Effect, type Scope } from "effect"
import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** PEM texts. The server is `localhost` and `server.dc1.consul`, the client `the-client`; both are signed by `ca`. */
export interface Certificates {
  readonly ca: string
  readonly serverCert: string
  readonly serverKey: string
  readonly clientCert: string
  readonly clientKey: string
}

const program = "openssl"

export const hasOpenssl = spawnSync(program, ["version"]).status === 0

/** Fresh ones, made by the `openssl` program, so that no key lies in the repository. */
export const makeCertificates: Effect.Effect<Certificates, never, Scope.Scope> = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "jobforge-certificates-"))),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
  ),
  (folder) => {
    const openssl = (...args: ReadonlyArray<string>) => {
      const { status, stderr } = spawnSync(program, args, { cwd: folder, encoding: "utf8" })
      if (status !== 0) throw new Error(`openssl ${args.join(" ")}: ${stderr}`)
    }
    const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"] as const
    const signed = (name: string, subject: string) => {
      openssl("req", ...newKey, "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", `/CN=${subject}`)
      const by = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"]
      openssl("x509", "-req", "-in", `${name}.csr`, ...by, "-days", "2", "-out", `${name}.pem`, "-extfile", "names")
    }
    const read = (name: string) => readFileSync(join(folder, name), "utf8")
    writeFileSync(join(folder, "names"), "subjectAltName=DNS:localhost,DNS:server.dc1.consul\n")
    openssl("req", "-x509", ...newKey, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=test ca")
    signed("server", "localhost")
    signed("client", "the-client")
    return {
      ca: read("ca.pem"),
      serverCert: read("server.pem"),
      serverKey: read("server.key"),
      clientCert: read("client.pem"),
      clientKey: read("client.key")
    }
  }
)
