import type { DockerConfig, NomadJob, Task, TaskGroup, Template, VaultBlock } from "./NomadJob.ts"
import type { PhaseInput } from "./PhaseInput.ts"
import type { SpecSettings } from "./SpecSettings.ts"

/** What one phase adds to what all have in common. */
export interface PhaseParts {
  readonly phase: "build" | "test" | "publish" | "cleanup"
  readonly meta?: Readonly<Record<string, string>>
  readonly limits: { readonly cpu: number; readonly memory: number; readonly disk: number }
  readonly docker: Omit<DockerConfig, "network_mode" | "logging">
  readonly templates: ReadonlyArray<Template>
  readonly vaultPolicies?: ReadonlyArray<string>
  /** In the place of the settings' role. */
  readonly vaultRole?: string
  readonly group?: Partial<Pick<TaskGroup, "Constraints" | "Volumes">>
  readonly task?: Partial<Pick<Task, "User" | "Env" | "VolumeMounts">>
  readonly devices?: ReadonlyArray<{ readonly Name: string; readonly Count: number }>
}

/** A job of one group and one task, which Nomad runs once: attempts are the controller's. */
export const batchJob = (input: PhaseInput, parts: PhaseParts): NomadJob => {
  const { settings } = input
  return {
    ID: input.nomadId,
    Name: input.nomadId,
    Type: "batch",
    Region: settings.region,
    Namespace: settings.namespace,
    Datacenters: settings.datacenters,
    ...(settings.nodePool === undefined ? {} : { NodePool: settings.nodePool }),
    Priority: settings.priority,
    Meta: { ...ownership(input, parts.phase), ...parts.meta },
    TaskGroups: [
      {
        Name: "main",
        Count: 1,
        RestartPolicy: { Attempts: 0, Interval: 60 * second, Delay: second, Mode: "fail" },
        ReschedulePolicy: { Attempts: 0, Unlimited: false },
        Disconnect: { StopOnClientAfter: 60 * second, Replace: false, Reconcile: "keep_original" },
        EphemeralDisk: { SizeMB: Math.max(parts.limits.disk, logSize(settings) + 1) },
        ...parts.group,
        Tasks: [task(input, parts)]
      }
    ]
  }
}

/** Record order is JSON order, and a spec that differs is another job: maps that users give are sorted. */
export const sorted = <A>(record: Readonly<Record<string, A>>): Readonly<Record<string, A>> =>
  Object.fromEntries(Object.entries(record).toSorted(([left], [right]) => (left < right ? -1 : 1)))

const second = 1_000_000_000

/** Nomad wants the disk to be larger than the logs. */
const logSize = ({ logs }: SpecSettings): number => logs.maxFiles * logs.maxFileSizeMb

/** Names that nobody else sets: what the controller finds its children by, after it has found them by their ids. */
const ownership = (input: PhaseInput, phase: PhaseParts["phase"]): Readonly<Record<string, string>> => ({
  "build-service-job-id": input.jobId,
  phase,
  "jobforge-installation": input.installation,
  "jobforge-record": input.record,
  "jobforge-generation": String(input.generation),
  "jobforge-attempt": String(input.attempt)
})

const task = (input: PhaseInput, parts: PhaseParts): Task => {
  const { settings } = input
  return {
    Name: "main",
    Driver: "docker",
    Config: {
      ...parts.docker,
      network_mode: "host",
      logging: { type: "json-file", config: [{ "max-size": settings.dockerLogMaxSize, "max-file": "1" }] }
    },
    ...parts.task,
    ...(parts.templates.length === 0 ? {} : { Templates: parts.templates, ...vault(settings, parts) }),
    KillTimeout: settings.killTimeout * 1_000_000,
    LogConfig: { MaxFiles: settings.logs.maxFiles, MaxFileSizeMB: settings.logs.maxFileSizeMb },
    Resources: {
      CPU: parts.limits.cpu,
      MemoryMB: parts.limits.memory,
      ...(parts.devices === undefined ? {} : { Devices: parts.devices })
    }
  }
}

const vault = (settings: SpecSettings, parts: PhaseParts): { readonly Vault?: VaultBlock } => {
  if (!settings.vault) return {}
  const policies = parts.vaultPolicies ?? settings.vaultPolicies
  const role = parts.vaultRole ?? settings.vaultRole
  return {
    Vault: {
      ...(role === undefined ? {} : { Role: role }),
      ...(policies.length === 0 ? {} : { Policies: policies }),
      ChangeMode: "noop",
      Env: false,
      DisableFile: true
    }
  }
}
