import { Either } from "effect"
import {
  anything,
  boolean,
  type Decoded,
  duration,
  ignored,
  integer,
  list,
  map,
  nullable,
  refused,
  string,
  struct,
  withDefault
} from "./GoJson.ts"

/*
 * The job as Nomad 1.10 knows it, field by field in the order and with the defaults of a batch job. What is `refused`
 * is refused by name when it is given; what is `ignored` has no influence on what runs on one node.
 */

const second = 1_000_000_000
const nothing: null = null

const constraint = struct("Constraint", { LTarget: string, RTarget: string, Operand: withDefault(string, "=") })
export type Constraint = Decoded<typeof constraint>

const restartPolicy = struct("RestartPolicy", {
  Attempts: withDefault(integer, 3),
  Delay: withDefault(duration, 15 * second),
  Interval: withDefault(duration, 86_400 * second),
  Mode: withDefault(string, "fail"),
  RenderTemplates: ignored(false)
})

const reschedulePolicy = struct("ReschedulePolicy", {
  Attempts: withDefault(integer, 1),
  Delay: withDefault(duration, 5 * second),
  DelayFunction: withDefault(string, "constant"),
  Interval: withDefault(duration, 86_400 * second),
  MaxDelay: duration,
  Unlimited: boolean
})

const device = struct("RequestedDevice", {
  Name: string,
  Count: withDefault(integer, 1),
  Constraints: list(constraint),
  Affinities: ignored(nothing)
})

const resources = struct("Resources", {
  CPU: withDefault(integer, 100),
  Cores: refused(0),
  Devices: list(device),
  DiskMB: ignored(0),
  IOPS: ignored(0),
  MemoryMB: withDefault(integer, 300),
  MemoryMaxMB: integer,
  NUMA: refused(nothing),
  Networks: refused(nothing),
  SecretsMB: ignored(0)
})

const template = struct("Template", {
  ChangeMode: withDefault(string, "restart"),
  ChangeScript: refused(nothing),
  ChangeSignal: string,
  DestPath: string,
  EmbeddedTmpl: string,
  Envvars: boolean,
  ErrMissingKey: boolean,
  Gid: refused(nothing),
  LeftDelim: withDefault(string, "{{"),
  Once: boolean,
  Perms: withDefault(string, "0644"),
  RightDelim: withDefault(string, "}}"),
  SourcePath: refused(""),
  Splay: withDefault(duration, 5 * second),
  Uid: refused(nothing),
  VaultGrace: ignored(0),
  Wait: ignored(nothing)
})
export type Template = Decoded<typeof template>

/** `Policies` has no effect since Nomad 1.10, `Env` none where there is no token to show. */
const vault = struct("Vault", {
  AllowTokenExpiration: boolean,
  ChangeMode: withDefault(string, "restart"),
  ChangeSignal: withDefault(string, "SIGHUP"),
  Cluster: withDefault(string, "default"),
  DisableFile: boolean,
  Env: withDefault(boolean, true),
  Namespace: refused(""),
  Role: string
})

const identity = struct("WorkloadIdentity", {
  Name: string,
  Audience: list(string),
  ChangeMode: string,
  ChangeSignal: string,
  Env: refused(false),
  File: refused(false),
  Filepath: refused(""),
  ServiceName: string,
  TTL: duration
})

const volumeMount = struct("VolumeMount", {
  Destination: string,
  PropagationMode: withDefault(string, "private"),
  ReadOnly: boolean,
  SELinuxLabel: refused(""),
  Volume: string
})

const logConfig = struct("LogConfig", {
  Disabled: refused(false),
  MaxFileSizeMB: withDefault(integer, 10),
  MaxFiles: withDefault(integer, 10)
})

const task = struct("Task", {
  Actions: ignored(nothing),
  Affinities: ignored(nothing),
  Artifacts: refused(nothing),
  CSIPluginConfig: refused(nothing),
  Config: map(anything),
  Constraints: list(constraint),
  Consul: refused(nothing),
  DispatchPayload: refused(nothing),
  Driver: string,
  Env: map(string),
  Identities: list(identity),
  Identity: withDefault(identity, { ...identity.zero, Name: "default", Audience: ["nomadproject.io"] }),
  KillSignal: string,
  KillTimeout: withDefault(duration, 5 * second),
  Kind: refused(""),
  Leader: boolean,
  Lifecycle: refused(nothing),
  LogConfig: withDefault(logConfig, logConfig.zero),
  Meta: map(string),
  Name: string,
  Resources: withDefault(resources, resources.zero),
  RestartPolicy: nullable(restartPolicy),
  ScalingPolicies: refused(nothing),
  Schedule: refused(nothing),
  Services: refused(nothing),
  ShutdownDelay: refused(0),
  Templates: list(template),
  User: string,
  Vault: nullable(vault),
  VolumeMounts: list(volumeMount)
})
export type Task = Decoded<typeof task>

const volumeRequest = struct("VolumeRequest", {
  AccessMode: ignored(""),
  AttachmentMode: ignored(""),
  MountOptions: refused(nothing),
  Name: string,
  PerAlloc: refused(false),
  ReadOnly: boolean,
  Source: string,
  Sticky: refused(false),
  Type: string
})

const disconnect = struct("DisconnectStrategy", {
  LostAfter: refused(0),
  Reconcile: withDefault(string, "best_score"),
  Replace: withDefault(boolean, true),
  StopOnClientAfter: nullable(duration)
})

const ephemeralDisk = struct("EphemeralDisk", {
  Migrate: refused(false),
  SizeMB: withDefault(integer, 300),
  Sticky: refused(false)
})

const taskGroup = struct("TaskGroup", {
  Affinities: ignored(nothing),
  Constraints: list(constraint),
  Consul: ignored(nothing),
  Count: withDefault(integer, 1),
  Disconnect: nullable(disconnect),
  EphemeralDisk: withDefault(ephemeralDisk, ephemeralDisk.zero),
  MaxClientDisconnect: refused(nothing),
  Meta: map(string),
  Migrate: refused(nothing),
  Name: string,
  Networks: refused(nothing),
  PreventRescheduleOnLost: refused(false),
  ReschedulePolicy: withDefault(reschedulePolicy, reschedulePolicy.zero),
  RestartPolicy: withDefault(restartPolicy, restartPolicy.zero),
  Scaling: refused(nothing),
  Services: refused(nothing),
  ShutdownDelay: refused(nothing),
  Spreads: ignored(nothing),
  StopAfterClientDisconnect: refused(nothing),
  Tasks: list(task),
  Update: ignored(nothing),
  Volumes: map(volumeRequest)
})
export type TaskGroup = Decoded<typeof taskGroup>

const noUpdate = {
  AutoPromote: false,
  AutoRevert: false,
  Canary: 0,
  HealthCheck: "",
  HealthyDeadline: 0,
  MaxParallel: 0,
  MinHealthyTime: 0,
  ProgressDeadline: 0,
  Stagger: 0
}

const job = struct("Job", {
  Affinities: ignored(nothing),
  AllAtOnce: refused(false),
  Constraints: list(constraint),
  ConsulNamespace: refused(""),
  CreateIndex: ignored(0),
  Datacenters: list(string),
  DispatchIdempotencyToken: ignored(""),
  Dispatched: ignored(false),
  ID: string,
  JobModifyIndex: ignored(0),
  Meta: map(string),
  ModifyIndex: ignored(0),
  Multiregion: refused(nothing),
  Name: string,
  Namespace: withDefault(string, "default"),
  NodePool: withDefault(string, "default"),
  NomadTokenID: ignored(""),
  ParameterizedJob: refused(nothing),
  ParentID: ignored(""),
  Payload: refused(nothing),
  Periodic: refused(nothing),
  Priority: withDefault(integer, 50),
  Region: withDefault(string, "global"),
  Spreads: ignored(nothing),
  Stable: ignored(false),
  Status: ignored(""),
  StatusDescription: ignored(""),
  Stop: boolean,
  SubmitTime: ignored(0),
  TaskGroups: list(taskGroup),
  Type: withDefault(string, "service"),
  UI: ignored(nothing),
  Update: ignored(noUpdate),
  VaultNamespace: refused(""),
  Version: ignored(0),
  VersionTag: ignored(nothing)
})
export type Job = Decoded<typeof job>

/** What a job may be given beside what is kept of it. */
const unkeptOfJob = struct("Job", { Migrate: refused(nothing), Reschedule: refused(nothing), ID: nullable(string) })

const registerRequest = struct("JobRegisterRequest", {
  EnforceIndex: boolean,
  Job: nullable(job),
  JobModifyIndex: integer,
  Namespace: string,
  PreserveCounts: ignored(false),
  Region: string
})

/** The body of a register or validate request, with the names of the fields in it that nobody here implements. */
export interface RegisterRequest {
  readonly request: Decoded<typeof registerRequest>
  readonly refusals: ReadonlyArray<string>
  /** Whether the job has an `ID` at all, be it empty: Nomad tells the two apart. */
  readonly namesId: boolean
}

const unkept = struct("JobRegisterRequest", { Job: unkeptOfJob })

/** Fails with the sentence that Nomad answers with status 400; `goName` is what the body is called in it. */
export const decodeRegisterRequest = (
  json: unknown,
  goName = "api.JobRegisterRequest"
): Either.Either<RegisterRequest, string> => {
  const refusals: Array<string> = []
  const place = { struct: "", path: "", refuse: (field: string) => void refusals.push(field) }
  return Either.gen(function* () {
    const request = yield* { ...registerRequest, goName }.decode(json, { ...place, struct: goName })
    const { Job: rest } = yield* unkept.decode(json, place)
    return {
      request: request.Job === null ? request : { ...request, Job: canonical(request.Job) },
      refusals: [...new Set(refusals)],
      namesId: rest.ID !== null
    }
  })
}

/** The defaults that depend on another field, and what Nomad's agents drop on the way. */
const canonical = (given: Job): Job => ({
  ...given,
  Name: given.Name === "" ? given.ID : given.Name,
  Priority: given.Priority === 0 ? 50 : given.Priority,
  Datacenters: given.Datacenters === null || given.Datacenters.length === 0 ? ["*"] : given.Datacenters,
  TaskGroups: given.TaskGroups?.map(canonicalGroup) ?? null
})

const canonicalGroup = (group: TaskGroup): TaskGroup =>
  Object.assign({}, group, {
    Volumes: group.Volumes === null ? null : knownVolumes(group.Volumes),
    Tasks:
      group.Tasks?.map((item) =>
        Object.assign({}, item, { RestartPolicy: item.RestartPolicy ?? group.RestartPolicy })
      ) ?? null
  })

/** Volumes of any other type are dropped without a word. */
const knownVolumes = (volumes: NonNullable<TaskGroup["Volumes"]>): NonNullable<TaskGroup["Volumes"]> =>
  Object.fromEntries(Object.entries(volumes).filter(([, { Type }]) => Type === "host" || Type === "csi"))
