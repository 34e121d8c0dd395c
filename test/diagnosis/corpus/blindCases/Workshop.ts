import { execFileSync } from "node:child_process"
import { once } from "node:events"
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer as createTlsServer } from "node:https"
import { createServer, type Server } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Option } from "effect"
import type { Status } from "../../../../src/domain/Status.ts"
import { Installation } from "../../../e2e/support/Installation.ts"
import { commitFiles, type GitServer, identity, makeRepository, startGitServer } from "../../../jobspec/GitServer.ts"
import { answering, execute, freePort, start } from "../../../jobspec/processes.ts"
import { type Registry, startRegistry } from "../../../jobspec/Registry.ts"
import { makeBaseImages } from "./baseImages.ts"
import type { Surroundings } from "./BlindCase.ts"
import { makeLimits } from "./limits.ts"

export interface Workshop {
  readonly surroundings: Surroundings
  readonly installation: Installation
  /** `host:port/library`, where the base images are. */
  readonly base: string
  /** Commits the files to a branch of a project's repository. */
  readonly commit: (project: string, branch: string, files: Readonly<Record<string, string>>) => Promise<void>
  readonly setting: (key: string, value: string | undefined) => Promise<void>
  /** Takes the limits of memory and disk away. */
  readonly unlimited: () => void
  readonly close: () => Promise<void>
}

/** The whole product, run by its real program, with Git servers and registries of all kinds beside it. */
export const openWorkshop = async (bases: string, say: (line: string) => void): Promise<Workshop> => {
  const folder = mkdtempSync(join(tmpdir(), "corpus-"))
  const at = (name: string): string => {
    mkdirSync(join(folder, name), { recursive: true })
    return join(folder, name)
  }
  mkdirSync(bases, { recursive: true })
  const baseRegistry = await startRegistry(bases)
  const login = await startRegistry(at("login"), { login: true })
  const readonly = await startReadonlyRegistry(at("readonly"))
  const git = await startGitServer(at("git"))
  const privateGit = await startGitServer(at("private"), "the-only-token")
  const vault = await makeRepository(at("private"), "vault")
  await commitFiles(vault, { Dockerfile: "FROM scratch\n" })
  const taken = await occupyPort()
  const selfSigned = await startSelfSigned(at("tls"))
  await makeBaseImages(bases, baseRegistry.host, (image) => hasImage(baseRegistry, image), say)

  const secrets = join(folder, "secrets.yaml")
  writeFileSync(secrets, JSON.stringify(storedSecrets))
  const insecure = [baseRegistry.host, login.host, readonly.host].join(",")
  const installation = await Installation.start({
    flags: ["--secrets", secrets],
    environment: { INSECURE_REGISTRIES: insecure, MAX_ATTEMPTS: "1", KILL_TIMEOUT: "2s" }
  })
  const consul = `http://127.0.0.1:${installation.ports.consul}/v1/kv/jobforge-service`
  const nomad = `http://127.0.0.1:${installation.ports.nomad}`
  const limits = makeLimits(installation)
  const projects = new Map<string, Promise<string>>()
  const project = (name: string): Promise<string> => {
    const made = projects.get(name) ?? makeRepository(at("git"), name)
    projects.set(name, made)
    return made
  }

  const surroundings: Surroundings = {
    git: git.url,
    privateGit: privateGit.url,
    registry: installation.registry,
    loginRegistry: login.host,
    readonlyRegistry: readonly.host,
    takenPort: portOf(taken),
    selfSigned: selfSigned.url,
    gitIn: async (name, ...args) => execute(["git", ...args], { cwd: await project(name), env: identity() }),
    putRecord: (name, record) => installation.put(name, record),
    deleteRecord: async (name) => {
      await expectOk(fetch(`${consul}/jobs/${name}`, { method: "DELETE" }))
      await installation.until(name, "at rest", ({ attempts }) =>
        attempts.every(({ outcome }) => outcome !== undefined)
      )
    },
    request: async (verb, jobId) => {
      const body = JSON.stringify({ verb, job_id: jobId })
      await expectOk(fetch(`${consul}/requests/${jobId}-${verb}`, { method: "PUT", body }))
    },
    stopNomadJob: (id) => expectOk(fetch(`${nomad}/v1/job/${id}`, { method: "DELETE" })),
    running: async (name, wanted) => {
      const status = await installation.until(name, wanted, (seen) => seen.status === wanted && hasStarted(seen))
      return { jobId: status.job_id ?? "", nomadId: status.attempts.at(-1)?.nomad_job_id ?? "" }
    },
    limitMemory: limits.memory,
    limitDisk: limits.disk
  }
  return {
    surroundings,
    installation,
    base: `${baseRegistry.host}/library`,
    commit: async (name, branch, files) => {
      const worktree = await project(name)
      if (!existsSync(join(worktree, ".git", "refs", "heads", "main")))
        await commitFiles(worktree, { LICENSE: "MIT\n" })
      await execute(["git", "checkout", "-q", "main"], { cwd: worktree })
      await commitFiles(worktree, files, branch)
    },
    setting: async (key, value) => {
      const request = value === undefined ? { method: "DELETE" } : { method: "PUT", body: value }
      await expectOk(fetch(`${consul}/config/${key}`, request))
    },
    unlimited: limits.lift,
    close: async () => {
      limits.lift()
      await installation.stop()
      taken.close()
      await Promise.all([git, privateGit, selfSigned, baseRegistry, login, readonly].map((one) => one.stop()))
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

const storedSecrets = {
  "secret/data/teams/web/git": { username: "x-access-token", password: "ghp_expired0000" },
  "secret/data/teams/web/registry": { username: "builder", password: "close-sesame" }
}

const hasStarted = ({ attempts }: Status): boolean => attempts.at(-1)?.started_at !== undefined

const expectOk = async (answer: Promise<Response>): Promise<void> => {
  const { ok, status, url } = await answer
  if (!ok) throw new Error(`${url} answers ${status}`)
}

const hasImage = async ({ host }: Registry, image: string): Promise<boolean> => {
  const [repository = "", tag = ""] = image.split(":")
  const accept = "application/vnd.oci.image.manifest.v1+json"
  return (await fetch(`http://${host}/v2/library/${repository}/manifests/${tag}`, { headers: { accept } })).ok
}

const startReadonlyRegistry = async (folder: string): Promise<Pick<Registry, "host" | "stop">> => {
  const host = `127.0.0.1:${await freePort()}`
  const config = {
    version: "0.1",
    log: { level: "error" },
    storage: {
      filesystem: { rootdirectory: join(folder, "data") },
      maintenance: { readonly: { enabled: true } }
    },
    http: { addr: host }
  }
  writeFileSync(join(folder, "registry.json"), JSON.stringify(config))
  const server = start(["docker-registry", "serve", join(folder, "registry.json")])
  await answering(`http://${host}/v2/`)
  return {
    host,
    stop: async () => {
      server.process.kill()
      await server.ended
    }
  }
}

const occupyPort = async (): Promise<Server> => {
  const server = createServer((socket) => socket.end()).listen(0, "127.0.0.1")
  await once(server, "listening")
  return server
}

const startSelfSigned = async (folder: string): Promise<Pick<GitServer, "url" | "stop">> => {
  const files = ["-keyout", "key.pem", "-out", "cert.pem"]
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2"]
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
  execFileSync("openssl", ["req", "-x509", ...key, ...files, ...subject], { cwd: folder, stdio: "ignore" })
  chmodSync(join(folder, "key.pem"), 0o600)
  const read = (name: string) => readFileSync(join(folder, name), "utf8")
  const server = createTlsServer({ key: read("key.pem"), cert: read("cert.pem") }, (_, response) => response.end("ok"))
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  return {
    url: `https://localhost:${portOf(server)}`,
    stop: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, "close")
    }
  }
}

const portOf = (server: Pick<Server, "address">): number => {
  const address = server.address()
  if (address === null || typeof address === "string") throw new Error("no port")
  return address.port
}

/** None where a status isn't there yet. */
export const statusOf = async (installation: Installation, name: string): Promise<Status | undefined> =>
  Option.getOrUndefined(await installation.status(name))
