/** What goes under `Job` of `POST /v1/jobs`: the part of Nomad's job that a step uses, in Nomad's own spelling. */
export interface NomadJob {
  readonly ID: string
  readonly Name: string
  readonly Type: "batch"
  readonly Region: string
  readonly Namespace: string
  readonly Datacenters: ReadonlyArray<string>
  readonly NodePool?: string
  readonly Priority: number
  readonly Meta: Readonly<Record<string, string>>
  readonly TaskGroups: readonly [TaskGroup]
}

export interface TaskGroup {
  readonly Name: string
  readonly Count: 1
  readonly Constraints?: ReadonlyArray<Constraint>
  /** Durations are nanoseconds, here as everywhere in Nomad's JSON. */
  readonly RestartPolicy: {
    readonly Attempts: 0
    readonly Interval: number
    readonly Delay: number
    readonly Mode: "fail"
  }
  readonly ReschedulePolicy: { readonly Attempts: 0; readonly Unlimited: false }
  /** Read by Nomad 1.8 and later; earlier ones ignore it. */
  readonly Disconnect: {
    readonly StopOnClientAfter: number
    readonly Replace: false
    readonly Reconcile: "keep_original"
  }
  readonly EphemeralDisk: { readonly SizeMB: number }
  readonly Volumes?: Readonly<Record<string, HostVolume>>
  readonly Tasks: readonly [Task]
}

export interface Constraint {
  readonly LTarget: string
  readonly RTarget: string
  readonly Operand: string
}

export interface HostVolume {
  readonly Name: string
  readonly Type: "host"
  readonly Source: string
  readonly ReadOnly: boolean
}

export interface VolumeMount {
  readonly Volume: string
  readonly Destination: string
  readonly ReadOnly: boolean
  readonly PropagationMode: "private"
}

export interface Task {
  readonly Name: string
  readonly Driver: "docker"
  /** Left out: the image's own user. */
  readonly User?: string
  readonly Config: DockerConfig
  readonly Env?: Readonly<Record<string, string>>
  readonly Vault?: VaultBlock
  readonly Templates?: ReadonlyArray<Template>
  readonly KillTimeout: number
  readonly LogConfig: { readonly MaxFiles: number; readonly MaxFileSizeMB: number }
  readonly Resources: {
    /** MHz */
    readonly CPU: number
    readonly MemoryMB: number
    readonly Devices?: ReadonlyArray<{ readonly Name: string; readonly Count: number }>
  }
  readonly VolumeMounts?: ReadonlyArray<VolumeMount>
}

/** Every string in here is an HCL template to the client that runs the task: see `driverText`. */
export interface DockerConfig {
  readonly image: string
  readonly network_mode: "host"
  readonly entrypoint?: ReadonlyArray<string>
  readonly security_opt?: ReadonlyArray<string>
  readonly cap_drop?: ReadonlyArray<string>
  readonly cap_add?: ReadonlyArray<string>
  readonly devices?: ReadonlyArray<{
    readonly host_path: string
    readonly container_path: string
    readonly cgroup_permissions: string
  }>
  readonly runtime?: string
  readonly logging: {
    readonly type: "json-file"
    readonly config: readonly [{ readonly "max-size": string; readonly "max-file": string }]
  }
}

export interface VaultBlock {
  readonly Role?: string
  readonly Policies?: ReadonlyArray<string>
  readonly ChangeMode: "noop"
  /** The token is for the templates alone: neither `VAULT_TOKEN` nor the token file reaches what runs in the task. */
  readonly Env: false
  readonly DisableFile: true
}

export interface Template {
  readonly EmbeddedTmpl: string
  readonly DestPath: string
  readonly Perms: string
  readonly ChangeMode: "noop"
  readonly Envvars: boolean
}
