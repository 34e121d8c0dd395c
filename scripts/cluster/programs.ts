import { delimiter, join } from "node:path"
import { isExecutable } from "../support/isExecutable.ts"

/** Where each program of a cluster is. Vault is for the parts that need secrets, sshd for repositories over SSH. */
export interface Programs {
  readonly consul: string
  readonly nomad: string
  readonly docker: string
  /** Left out where `DOCKER_HOST` names a daemon that runs already. */
  readonly dockerd?: string
  readonly vault?: string
  readonly sshd?: string
}

export interface Found {
  /** Undefined while anything is missing that no cluster can do without. */
  readonly programs: Programs | undefined
  /** What is missing, each with how to have it. */
  readonly missing: ReadonlyArray<string>
  /** What is missing and takes only a part along. */
  readonly partly: ReadonlyArray<string>
}

/** Looks for what `test:cluster` needs. A variable wins over the PATH, and `DOCKER_HOST` over a daemon of one's own. */
export const findPrograms = (): Found => {
  const consul = program("CONSUL_BIN", "consul")
  const nomad = program("NOMAD_BIN", "nomad")
  const docker = program("DOCKER_BIN", "docker")
  const ownDaemon = process.env["DOCKER_HOST"] === undefined
  const dockerd = ownDaemon ? program("DOCKERD_BIN", "dockerd") : undefined
  const vault = program("VAULT_BIN", "vault", "bao")
  const sshd = program("SSHD_BIN", "sshd")
  const missing = [
    ...absent(consul, "consul (on the PATH, or CONSUL_BIN)"),
    ...absent(nomad, "nomad (on the PATH, or NOMAD_BIN)"),
    ...absent(docker, "the docker command (on the PATH, or DOCKER_BIN)"),
    ...(ownDaemon ? absent(dockerd, "dockerd (on the PATH, or DOCKERD_BIN, or a daemon's DOCKER_HOST)") : []),
    ...absent(program("", "docker-registry"), "docker-registry (Debian's package of that name)"),
    ...absent(program("", "git"), "git"),
    ...absent(program("", "busybox"), "busybox (Debian's busybox-static)"),
    ...(process.getuid?.() === 0 ? [] : ["root, which Nomad's clients run as"])
  ]
  const partly = [
    ...absent(vault, "vault or bao (on the PATH, or VAULT_BIN)"),
    ...absent(sshd, "sshd (Debian's openssh-server)")
  ]
  if (consul === undefined || nomad === undefined || docker === undefined || missing.length > 0) {
    return { programs: undefined, missing, partly }
  }
  const optional = Object.entries({ dockerd, vault, sshd }).filter(([, path]) => path !== undefined)
  return { programs: { consul, nomad, docker, ...Object.fromEntries(optional) }, missing, partly }
}

/** The one that the variable names, else the first of these names on the PATH, or where Debian keeps a daemon. */
export const program = (variable: string, ...names: ReadonlyArray<string>): string | undefined => {
  const named = variable === "" ? undefined : process.env[variable]
  if (named !== undefined && named !== "") return named
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin"]
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable)
}

const absent = (path: string | undefined, what: string): ReadonlyArray<string> => (path === undefined ? [what] : [])
