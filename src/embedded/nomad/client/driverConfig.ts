import { Either } from "effect"
import { isObject } from "../machine/GoJson.ts"
import { multiError } from "../machine/validateJob.ts"
import type { Values } from "./taskEnvironment.ts"

/**
 * A docker task's `Config` as Nomad's client reads it: every text is an HCL template, in which `${name}` must be known,
 * `$${` and `%%{` stand for themselves without the first sign, and a key that the driver lacks is an error. Fails with
 * the text of the event `Failed Validation`.
 */
export const readDriverConfig = (
  config: Readonly<Record<string, unknown>>,
  known: Values
): Either.Either<Readonly<Record<string, unknown>>, string> => {
  const faults: Array<string> = []
  const read = Object.fromEntries(Object.entries(config).map(([key, value]) => [key, expand(value, known, faults)]))
  for (const key of Object.keys(config)) {
    if (!dockerOptions.has(key)) faults.push(`Invalid label: No argument or block type is named "${key}".`)
  }
  return faults.length === 0 ? Either.right(read) : Either.left(multiError(["failed to parse config: ", ...faults]))
}

/** The keys of a config that Nomad's docker driver knows, whether or not ours does what they say. */
export const knownDockerOptions = (config: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(config).filter(([key]) => dockerOptions.has(key)))

/** The docker driver's options in Nomad 1.10. */
const dockerOptions = new Set(
  (
    "advertise_ipv6_address args auth auth_soft_fail cap_add cap_drop cgroupns command container_exists_attempts " +
    "cpu_cfs_period cpu_hard_limit devices dns_options dns_search_domains dns_servers entrypoint extra_hosts " +
    "force_pull group_add healthchecks hostname image image_pull_timeout init interactive ipc_mode ipv4_address " +
    "ipv6_address isolation labels load logging mac_address memory_hard_limit mount mounts network_aliases " +
    "network_mode oom_score_adj pid_mode pids_limit ports privileged readonly_rootfs runtime security_opt shm_size " +
    "storage_opt sysctl tty ulimit userns_mode uts_mode volume_driver volumes windows_allow_insecure_container_admin " +
    "work_dir"
  ).split(" ")
)

const expand = (value: unknown, known: Values, faults: Array<string>): unknown => {
  if (typeof value === "string") return expandText(value, known, faults)
  if (Array.isArray(value)) return value.map((item: unknown) => expand(item, known, faults))
  if (!isObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, expand(item, known, faults)]))
}

const expandText = (text: string, known: Values, faults: Array<string>): string =>
  text.replaceAll(
    /\$\$\{|%%\{|\$\{([^}]*)(\}|$)|%\{([^}]*)(\}|$)/g,
    (whole, name: string | undefined, closed, control) => {
      if (whole === "$${" || whole === "%%{") return whole.slice(1)
      const fault =
        name === undefined ? controlFault(String(control ?? "")) : nameFault(name.trim(), closed === "}", known)
      if (fault === undefined) return known[(name ?? "").trim()] ?? ""
      faults.push(fault)
      return whole
    }
  )

const controlFault = (control: string): string => {
  const word = control.trim().split(/\s/)[0] ?? ""
  return ["if", "for", "else", "endif", "endfor"].includes(word)
    ? `Unsupported template: "%{ ${word}" is not implemented by this server.`
    : `Invalid template control keyword: "${word}" is not a valid template control keyword.`
}

const nameFault = (name: string, closed: boolean, known: Values): string | undefined => {
  if (!closed)
    return "Unclosed template interpolation sequence: There is no closing brace for this interpolation sequence before the end of the quoted template."
  if (Object.hasOwn(known, name)) return undefined
  if (!/^[A-Za-z_][\w\-.]*$/.test(name)) return `Unsupported expression: "${name}" is not implemented by this server.`
  const [root = "", ...rest] = name.split(".")
  return rest.length > 0 && ["node", "attr", "meta"].includes(root)
    ? `Unsupported attribute: This object does not have an attribute named "${rest[0] ?? ""}".`
    : `Unknown variable: There is no variable named "${root}".`
}
