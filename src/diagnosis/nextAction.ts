import type { Status } from "../domain/Status.ts"
import type { Cause } from "./Cause.ts"
import { failedPull, pullAdvice } from "./failedPull.ts"
import type { Finding } from "./findError.ts"
import { placeOf, type Scene } from "./Scene.ts"

/** What to do now, in one sentence that names what the evidence names. */
export const nextAction = (cause: Cause, scene: Scene, finding: Finding | undefined, status: Status): string => {
  const pull = failedPull(scene)
  if (pull !== undefined) return pullAdvice(pull, scene)
  const told = finding?.rule?.cause === cause ? fromRule(finding, scene) : undefined
  return told ?? advice[cause](scene, status, finding)
}

/** A template whose group found nothing would name nothing: the cause's own advice is better. */
const fromRule = ({ found, rule }: Finding, scene: Scene): string | undefined => {
  const next = rule?.next
  if (next === undefined || typeof next !== "string") return next?.((group) => found(group).trim(), scene)
  const text = next.replaceAll(/\{(\w+)\}/g, (_, group: string) => found(group).trim() || unknown)
  return text.includes(unknown) ? undefined : text
}

/** No template has it. */
const unknown = "\u{0}"

type Advice = (scene: Scene, status: Status, finding: Finding | undefined) => string

const inConfig = (field: string, value: string | undefined): string =>
  value === undefined ? field : `${field} (${value})`

const phaseField = (phase: Scene["phase"], name: string): string =>
  phase === "test" ? `test.resource_limits.${name}` : `resource_limits.${phase ?? "build"}.${name}`

const limitOf = (scene: Scene, name: "memory" | "disk" | "cpu"): string => {
  const field = phaseField(scene.phase, name)
  const value = givenLimits(scene).find((limits) => limits?.[name] !== undefined)?.[name]
  return value === undefined ? field : `${field} (now ${value} ${name === "cpu" ? "MHz" : "MB"})`
}

/** As the phases take them: the nearest first. */
const givenLimits = ({ config, phase }: Scene) => {
  const limits = config?.resource_limits
  return phase === "test" ? [config?.test?.resource_limits, limits?.test, limits] : [limits?.[phase ?? "build"], limits]
}

const logOf = (scene: Scene): string => `the error line of ${placeOf(scene)}`

const mend: Advice = (scene) => `Mend what ${logOf(scene)} names, and submit again.`

const advice: Readonly<Record<Cause, Advice>> = {
  "invalid-spec": ({ message, reason }, { errors }) => {
    const [first] = errors ?? []
    if (first !== undefined) return `Correct the field ${first.path || "that the message names"}: ${first.message}.`
    if (reason === "PathEscapes")
      return "Point dockerfile_path and dockerfile_context at real files inside of the repository: one of them, or a symbolic link on its way, leads out."
    if (reason === "DuplicateName") return `Keep one of the two records of this name: ${message}.`
    return `Correct the job's fields: ${message}.`
  },
  "git-authentication": ({ config, reason }) => {
    if (reason === "HostKeyRefused")
      return `Put the Git server's present host key as known_hosts into the secret ${config?.git_credentials_path ?? "of git_credentials_path"}.`
    return config?.git_credentials_path === undefined
      ? `Give git_credentials_path: ${config?.repo_url ?? "the repository"} is not readable without credentials.`
      : `Renew the credentials in Vault at ${config.git_credentials_path}: the server of ${config.repo_url} refuses them.`
  },
  "git-ref-missing": ({ config }) =>
    `Correct git_ref: ${config?.repo_url ?? "the repository"} has no branch, tag or commit "${config?.git_ref ?? "main"}".`,
  "git-repository-missing": ({ config }) =>
    `Correct ${inConfig("repo_url", config?.repo_url)}, or give git_credentials_path if the repository is private: the server shows none there.`,
  "git-unreachable": ({ config }) =>
    `Check that the host of ${inConfig("repo_url", config?.repo_url)} is right and reachable from the build nodes, then retry.`,
  "git-submodule": ({ config }) =>
    `Correct the submodule's URL or commit in .gitmodules, or let the credentials${config?.git_credentials_path === undefined ? " of git_credentials_path" : ` at ${config.git_credentials_path}`} open it: submodules on other hosts get none.`,
  "dockerfile-missing": ({ config }) =>
    `Commit ${config?.dockerfile_path ?? "Dockerfile"} at ${config?.git_ref ?? "main"}, or set dockerfile_path to where it is in the repository.`,
  "dockerfile-syntax": (scene) => `Correct ${scene.config?.dockerfile_path ?? "Dockerfile"} where the error line says.`,
  "context-missing": ({ config }) =>
    `Set dockerfile_context to a directory that the repository has: ${config?.dockerfile_context ?? "."} is none at ${config?.git_ref ?? "main"}.`,
  "copy-source-missing": (scene) =>
    `Correct the source path in ${placeOf(scene)}, or commit the file: the build context ${scene.config?.dockerfile_context ?? "."} doesn't have it (or .dockerignore excludes it).`,
  "base-image-missing": (scene) =>
    `Correct the image's name or tag in ${placeOf(scene)}: its registry has none of that name.`,
  "base-image-unreachable": (scene) =>
    `Check the registry's host in ${placeOf(scene)}, and that the build nodes reach it, then retry.`,
  "stage-missing": (scene) =>
    `Name a stage in ${placeOf(scene)} that an earlier FROM … AS defines, or an image with its registry.`,
  "package-missing": (scene) =>
    `Correct the name or version of the package in ${placeOf(scene)}: the error line names it.`,
  "dependency-conflict": (scene) => `Loosen one of the conflicting versions that ${logOf(scene)} names.`,
  "dependency-install": (scene) =>
    `Look at the package that fails to install in ${placeOf(scene)}, and install what it needs first.`,
  "compile-error": mend,
  "syntax-error": mend,
  "module-missing": (scene) => `Add the module that ${logOf(scene)} names to the dependencies, or COPY it.`,
  "command-not-found": (scene) =>
    programOf(scene.message) === "sh"
      ? "Put a shell into the image, or test it by its entry point (test.entry_point): test commands are run by sh."
      : `Install the command that ${placeOf(scene)} calls, or correct its name or PATH.`,
  "file-missing": (scene) => `COPY or create the file that ${logOf(scene)} names, or correct its path.`,
  "permission-denied": (scene) => {
    const program = programOf(scene.message)
    return program === ""
      ? `Give the user of ${placeOf(scene)} the right to the file that the error line names (chmod +x, chown, or USER).`
      : `Make ${program} executable in the Dockerfile (chmod +x, or COPY --chmod=755).`
  },
  "network-unreachable": (scene) =>
    `Make sure that the server in ${logOf(scene)} is up and reachable from the node, then retry.`,
  "name-resolution": (scene) => `Correct the host name in ${logOf(scene)}, or see to the node's DNS, then retry.`,
  "tls-verification": (scene) =>
    scene.reason === "BuildFailed" || scene.reason === "TestFailed"
      ? `Install ca-certificates (and the server's own authority, if it is private) before ${placeOf(scene)}, or correct the host name.`
      : "Correct the host name, or have the operator add the server's authority to the certificates that the build nodes trust.",
  "disk-full": (scene) =>
    `Raise ${limitOf(scene, "disk")} or write less in ${placeOf(scene)}; the node may be full, so a retry may do.`,
  "out-of-memory": (scene) =>
    `Raise ${limitOf(scene, "memory")}, or let ${placeOf(scene)} use less (fewer parallel processes).`,
  crash: (scene) =>
    `Mend the program that died in ${placeOf(scene)}${scene.exitCode === undefined ? "" : ` with exit code ${scene.exitCode}`}: the lines around the error show where.`,
  "assertion-failed": (scene) => `Mend the code or the expectation that ${logOf(scene)} shows to differ.`,
  "entry-point-missing": ({ message }) => {
    const program = programOf(message)
    return program === ""
      ? "Give the image an ENTRYPOINT or CMD: it has none to run."
      : `Let ENTRYPOINT or CMD name a program that the image has, with its full path: ${program} is not there.`
  },
  "missing-configuration": (scene) =>
    scene.phase === "test"
      ? "Give the setting that the error line names in test.env, or in test.vault_secrets if it is secret."
      : "Give the setting that the error line names as ENV or ARG in the Dockerfile.",
  "registry-authentication": (scene) => {
    const { config, step } = scene
    const place = step?.kind === "instruction" ? placeOf(scene) : inConfig("registry_url", config?.registry_url)
    return config?.registry_credentials_path === undefined
      ? `Give registry_credentials_path for ${place}: the registry wants a login (or has no such image).`
      : `Renew the login in Vault at ${config.registry_credentials_path}: the registry of ${place} refuses it.`
  },
  "registry-unreachable": ({ config }) =>
    `Check that ${inConfig("registry_url", config?.registry_url)} is right and reachable from the build nodes, then retry.`,
  "push-failed": ({ config }) =>
    `Retry; if it lasts, see to the registry of ${inConfig("registry_url", config?.registry_url)}, whose answer is the error line.`,
  "secret-missing": ({ config, message }) => {
    if (vaultLogin.test(message)) {
      return "See to the login of Nomad's clients at Vault: that Vault is up, and has the role that the steps log in as (VAULT_ROLE); then retry."
    }
    const [path] = /(?<=vault\.(?:read|write)\()[^)]{1,200}|(?<=no secret exists at )\S{1,200}/.exec(message) ?? []
    const paths = [
      config?.git_credentials_path,
      config?.registry_credentials_path,
      ...(config?.test?.vault_secrets ?? []).map(({ path: own }) => own)
    ]
    const named = path ?? paths.filter((each) => each !== undefined).join(", ")
    return `Write the secret ${named || "that the message names"} to Vault, or let the steps' Vault role read it (before Nomad 1.10, the job's policies).`
  },
  timeout: (scene) => timeoutAdvice(scene),
  unplaceable: (scene) => placementAdvice(scene),
  "queue-timeout": () => "Retry when the cluster is less busy, or ask an operator for capacity.",
  "slot-taken": ({ message }) =>
    `Wait for the job that has the image, or submit with on_conflict queue or supersede: ${message}.`,
  infrastructure: ({ message }) => `Retry; if it happens again, tell an operator: ${message}.`,
  cancelled: ({ reason }) =>
    reason === "Deleted"
      ? "Its record was deleted: write the record again if the image is still wanted."
      : "Somebody ended it, nothing is wrong with it: retry it if it is still wanted.",
  superseded: () => "Follow the newer job that took its place.",
  "command-failed": (scene, _, finding) =>
    `Find out why ${placeOf(scene)} ends with exit code ${scene.exitCode ?? "other than 0"}${finding === undefined ? ", for it says nothing" : ` after "${finding.line.text.trim().slice(0, 160)}"`}: run it by hand, or let it say more.`
}

/** What a driver could not execute, by its words. */
const programOf = (message: string): string => /exec: "([^"]{1,200})"/.exec(message)?.[1] ?? ""

const timeoutAdvice = (scene: Scene): string => {
  const { message, phase, reason } = scene
  if (reason === "JobTimeout")
    return "Retry when the queue is shorter, or ask an operator to raise the limit for whole jobs."
  if (reason !== "Timeout") return `Let ${placeOf(scene)} end in time, or raise the limit that it sets itself.`
  const field =
    phase === "test"
      ? "test.timeout"
      : phase === "publish"
        ? "the publish limit (an operator's setting)"
        : "build_timeout"
  return `Raise ${field}, or see why ${placeOf(scene)} hangs: ${message}.`
}

const placementAdvice = (scene: Scene): string => {
  const { message } = scene
  const [, dimension] = /Dimension "(\w+)" exhausted/.exec(message) ?? []
  const limit =
    dimension === "memory" || dimension === "disk" || dimension === "cpu" ? limitOf(scene, dimension) : undefined
  if (limit !== undefined) return `Lower ${limit} to what a node has free, or wait for room: ${message}.`
  const [, constraint] = /Constraint "([^"]{1,200})"/.exec(message) ?? []
  if (constraint !== undefined)
    return `Correct test.constraints (or gpu_required), or ask for a node that has it: no node fulfils ${constraint}.`
  const [, datacenter] =
    /No nodes were eligible.{0,20}No nodes are available in datacenter "([^"]{1,100})"/.exec(message) ?? []
  if (datacenter !== undefined)
    return `Have the operator name a datacenter in NOMAD_DATACENTERS that has nodes (now ${datacenter}): ${message}.`
  return `Ask an operator for a node that can take the job: ${message}.`
}

/** It got no token, so no secret has been asked for yet. */
const vaultLogin = /failed to derive vault token|Vault has not answered/i
