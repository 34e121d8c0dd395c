import { existsSync } from "node:fs"
import type { TaskContext } from "../TaskDriver.ts"
import type { ContainerUser } from "./containerUser.ts"
import { blocks, type DockerConfig, firstBlock, forbidsNewPrivileges, grantedCapabilities } from "./DockerConfig.ts"

export interface ContainerSpecInput {
  readonly context: TaskContext
  readonly config: DockerConfig
  readonly rootfs: string
  readonly command: ReadonlyArray<string>
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  readonly user: ContainerUser
}

/**
 * The OCI runtime's `config.json`: what docker makes of such a container with host networking, less cgroups, since those
 * can't be made everywhere. So `memoryMb` and `cpu` limit nothing here.
 */
export const containerSpec = ({ context, config, rootfs, command, env, cwd, user }: ContainerSpecInput): object => {
  const capabilities = grantedCapabilities(config)
  // The kernel drops a user's capabilities on exec; only root's come back. Docker lists them in the same way.
  const effective = user.uid === 0 ? capabilities : []
  return {
    ociVersion: "1.0.2",
    process: {
      terminal: false,
      user: { uid: user.uid, gid: user.gid, additionalGids: user.additionalGids },
      args: command,
      env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
      cwd,
      noNewPrivileges: forbidsNewPrivileges(config),
      capabilities: { bounding: capabilities, effective, permitted: effective, inheritable: [] }
    },
    root: { path: rootfs, readonly: config.readonly_rootfs ?? false },
    mounts: [...systemMounts, ...hostFiles(), ...temporaryMounts(config), ...taskMounts(context)],
    linux: {
      namespaces: [{ type: "mount" }, { type: "pid" }, { type: "ipc" }],
      maskedPaths: [
        "/proc/kcore",
        "/proc/keys",
        "/proc/latency_stats",
        "/proc/timer_list",
        "/proc/sched_debug",
        "/proc/scsi",
        "/sys/firmware"
      ],
      readonlyPaths: ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
    }
  }
}

const systemMounts = [
  { destination: "/proc", type: "proc", source: "proc", options: ["nosuid", "noexec", "nodev"] },
  {
    destination: "/dev",
    type: "tmpfs",
    source: "tmpfs",
    options: ["nosuid", "strictatime", "mode=755", "size=65536k"]
  },
  {
    destination: "/dev/pts",
    type: "devpts",
    source: "devpts",
    options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]
  },
  // 64 MiB, docker's default.
  {
    destination: "/dev/shm",
    type: "tmpfs",
    source: "shm",
    options: ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]
  },
  // A sysfs of its own needs a network namespace of its own.
  { destination: "/sys", type: "bind", source: "/sys", options: ["rbind", "ro", "nosuid", "noexec", "nodev"] }
]

/** With host networking a container resolves names as this machine does. */
const hostFiles = () =>
  ["/etc/resolv.conf", "/etc/hosts", "/etc/hostname"]
    .filter((path) => existsSync(path))
    .map((path) => bind(path, path, true))

const temporaryMounts = (config: DockerConfig) =>
  [...blocks(config.mounts), ...blocks(config.mount)].map((mount) => {
    const options = firstBlock(mount.tmpfs_options)
    return {
      destination: mount.target,
      type: "tmpfs",
      source: "tmpfs",
      options: [
        "nosuid",
        "nodev",
        "noexec",
        `mode=${(options?.mode ?? 0o1777).toString(8)}`,
        ...(options?.size === undefined ? [] : [`size=${options.size}`])
      ]
    }
  })

const taskMounts = (context: TaskContext) => [
  bind(context.folders.alloc, "/alloc", false),
  bind(context.folders.local, "/local", false),
  bind(context.folders.secrets, "/secrets", false),
  ...context.volumes.map((volume) => bind(volume.source, volume.destination, volume.readOnly))
]

const bind = (source: string, destination: string, readOnly: boolean) => ({
  destination,
  type: "bind",
  source,
  options: ["rbind", "rprivate", readOnly ? "ro" : "rw"]
})
