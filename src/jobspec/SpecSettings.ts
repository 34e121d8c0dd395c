import type { VaultPolicyRoles } from "../domain/vaultRoles.ts"

/** What an operator can set about the jobs that are given to Nomad. */
export interface SpecSettings {
  readonly region: string
  readonly namespace: string
  readonly datacenters: ReadonlyArray<string>
  readonly nodePool?: string
  /** 1 to 100 */
  readonly priority: number
  /**
   * The images that the build step, and the publish and cleanup steps, run in: `manifests/builder` has a recipe.
   *
   * Both need a user `build`, sh, skopeo and coreutils; the builder needs git, ssh and buildah as well. Pinned: `latest`
   * would be asked for in the registry before each step, and could change between two steps of one job.
   */
  readonly images: { readonly builder: string; readonly publisher: string }
  /** What the builder's and publisher's environment has besides: proxies, for example. Never secrets: Nomad shows them. */
  readonly environment: Readonly<Record<string, string>>
  /** One driver for a cache volume, for ever: a store that fuse-overlayfs has used can't be used without it. */
  readonly storageDriver: "overlay" | "vfs"
  /** Overlays by fuse-overlayfs and `/dev/fuse`, where kernel or file system refuse rootless overlay mounts. */
  readonly fuse: boolean
  readonly imageFormat: "oci" | "docker"
  /** A Nomad host volume, owned by uid 1000 of the builder image. */
  readonly cacheVolume: {
    readonly name: string
    readonly destination: string
    /** For all projects together; the least recently used ones go first. */
    readonly limitMb: number
  }
  /** A Nomad host volume that holds `<host:port>/ca.crt` folders, read-only. */
  readonly certificates?: {
    readonly volume: string
    readonly destination: string
    /** A bundle inside of the volume that Git and the registry clients trust instead of the image's own. */
    readonly bundle?: string
  }
  /** `host[:port]` that may be spoken to without TLS or with a certificate that nobody can verify; loopback always may. */
  readonly insecureRegistries: ReadonlyArray<string>
  /** Vault path of the login for temporary images. Without it a job's own login is used, where it is for that registry. */
  readonly temporaryRegistryCredentialsPath?: string
  /**
   * What happens to a Git server's host key that nobody has vouched for: taken for this build, or refused. A secret's
   * field `known_hosts`, or the image's `/etc/ssh/ssh_known_hosts`, vouches, and is then enforced in both cases.
   */
  readonly sshHostKeys: "accept-new" | "yes"
  /** Without it steps have no Vault block, for an engine that fills in secrets by itself. */
  readonly vault: boolean
  readonly vaultRole?: string
  /** What a test's policies ask for in the place of it. */
  readonly vaultPolicyRoles: VaultPolicyRoles
  /** Of jobs that name none themselves. Nomad 1.10 and later go by the role alone. */
  readonly vaultPolicies: ReadonlyArray<string>
  /** The KV engine of paths that name none, as `nomad/jobs/x`. */
  readonly vaultMount: string
  /** Milliseconds between SIGTERM and SIGKILL; a client's `max_kill_timeout` limits it. */
  readonly killTimeout: number
  readonly logs: { readonly maxFiles: number; readonly maxFileSizeMb: number }
  /**
   * Of docker's own log file, from which Nomad copies. A burst that exceeds it is lost and repeated in parts, as happens
   * with Nomad's default of 2 MB.
   */
  readonly dockerLogMaxSize: string
  /** Ask for `nvidia/gpu` devices: needs Nomad's device plugin on the clients. */
  readonly gpuDevice: boolean
  /** `unconfined`, or the path of a profile on every client that lets `unshare` and `mount` pass. */
  readonly seccomp: string
  /** Docker's own AppArmor profile denies mount. Empty: not set at all. */
  readonly apparmor: string
  readonly cleanupLimits: { readonly cpu: number; readonly memory: number; readonly disk: number }
}

export const defaultSpecSettings: SpecSettings = {
  region: "global",
  namespace: "default",
  datacenters: ["cluster"],
  priority: 50,
  images: { builder: "jobforge/builder:0.1.0", publisher: "jobforge/builder:0.1.0" },
  environment: {},
  storageDriver: "overlay",
  fuse: false,
  imageFormat: "oci",
  cacheVolume: { name: "buildah-cache", destination: "/home/build/.local/share/containers", limitMb: 20_480 },
  insecureRegistries: [],
  sshHostKeys: "accept-new",
  vault: true,
  vaultRole: "nomad-workloads",
  vaultPolicyRoles: {},
  vaultPolicies: ["jobforge-service"],
  vaultMount: "secret",
  killTimeout: 30_000,
  logs: { maxFiles: 5, maxFileSizeMb: 10 },
  dockerLogMaxSize: "200m",
  gpuDevice: true,
  seccomp: "unconfined",
  apparmor: "unconfined",
  cleanupLimits: { cpu: 100, memory: 256, disk: 512 }
}
