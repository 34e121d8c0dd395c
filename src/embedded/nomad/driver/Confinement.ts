/**
 * How far tasks can be shut in on this machine, strongest first.
 *
 * - `root`: PID and mount namespaces of their own. Commands of host images keep five capabilities and can gain none;
 *   buildah makes itself a user namespace with them. Containers keep what the job asks.
 * - `rootless`: the same namespaces inside a user namespace with the user's subordinate ids.
 * - `plain`: neither is allowed. Commands run as this user; containers can't be made.
 */
export type ConfinementMode = "root" | "rootless" | "plain"

/** Programs to put before a command so that it runs confined; each ends in `--`. */
export interface Confinement {
  readonly mode: ConfinementMode
  /** Whether a task has a PID namespace, which the kernel empties when its first process ends. */
  readonly ownsProcesses: boolean
  /** Before a command of a host image. */
  readonly hostTask: ReadonlyArray<string>
  /** Before what mounts and starts a container. */
  readonly container: ReadonlyArray<string>
  /** Before a call of buildah that touches the driver's own image store. */
  readonly engine: ReadonlyArray<string>
  /** What buildah and its friends must be told about the surroundings. */
  readonly env: Readonly<Record<string, string>>
}

export const confinementOf = (mode: ConfinementMode): Confinement => {
  switch (mode) {
    case "root":
      return {
        mode,
        ownsProcesses: true,
        hostTask: [...dieWithParent, ...unshare, ...leastCapabilities],
        container: [...dieWithParent, ...unshare],
        // In a mount namespace, so that a storage driver's mounts can't outlive a killed buildah.
        engine: [...dieWithParent, "unshare", "--mount", "--"],
        env: {}
      }
    case "rootless":
      return {
        mode,
        ownsProcesses: true,
        hostTask: [...dieWithParent, ...unshareAsUser],
        container: [...dieWithParent, ...unshareAsUser],
        engine: [...dieWithParent, "unshare", ...subordinateIds, "--mount", "--"],
        env: usernsConfigured()
      }
    case "plain":
      return { mode, ownsProcesses: false, hostTask: dieWithParent, container: [], engine: dieWithParent, env: {} }
  }
}

/** Kills the task when this process dies without a chance to do so. Without effect once credentials change. */
const dieWithParent = ["setpriv", "--pdeathsig", "KILL", "--"]

const namespaces = ["--pid", "--mount", "--fork", "--kill-child", "--mount-proc"]

const subordinateIds = ["--user", "--map-root-user", "--map-auto"]

const unshare = ["unshare", ...namespaces, "--"]

const unshareAsUser = ["unshare", ...subordinateIds, ...namespaces, "--"]

/**
 * What `buildah unshare` would tell: that the user namespace is made, since in a second one no subordinate ids would be
 * left to map, and who made it, since buildah would take itself for root otherwise and look into root's folders.
 */
const usernsConfigured = () => ({
  _CONTAINERS_USERNS_CONFIGURED: "done",
  _CONTAINERS_ROOTLESS_UID: String(process.getuid?.()),
  _CONTAINERS_ROOTLESS_GID: String(process.getgid?.())
})

/**
 * What buildah needs to make its user namespace, and what a script needs to measure and remove layers, whose files belong
 * to any user. Inside of that namespace it has both anyway.
 */
const leastCapabilities = [
  "setpriv",
  "--bounding-set",
  "-all,+setuid,+setgid,+setfcap,+dac_override,+fowner",
  "--inh-caps",
  "-all",
  "--no-new-privs",
  "--"
]
