import { identity } from "effect"
import type { NomadJob, Task, TaskGroup, Template } from "./NomadJob.ts"

/** The job as a file that `nomad job run` takes: it makes of it what was registered. `shown`: what each text in it becomes. */
export const jobHcl = (job: NomadJob, shown: (text: string) => string = identity): string => render(shown)(jobNode(job))

const jobNode = (job: NomadJob): Node =>
  block("job", job.ID, [
    attributes({
      name: job.Name,
      type: job.Type,
      region: job.Region,
      namespace: job.Namespace,
      datacenters: job.Datacenters,
      node_pool: job.NodePool,
      priority: job.Priority,
      meta: job.Meta
    }),
    ...job.TaskGroups.map(groupHcl)
  ])

const groupHcl = (group: TaskGroup): Node =>
  block("group", group.Name, [
    attributes({ count: group.Count }),
    ...(group.Constraints ?? []).map(({ LTarget, Operand, RTarget }) =>
      block("constraint", undefined, [attributes({ attribute: LTarget, operator: Operand, value: RTarget })])
    ),
    block("restart", undefined, [
      attributes({
        attempts: group.RestartPolicy.Attempts,
        interval: time(group.RestartPolicy.Interval),
        delay: time(group.RestartPolicy.Delay),
        mode: group.RestartPolicy.Mode
      })
    ]),
    block("reschedule", undefined, [
      attributes({ attempts: group.ReschedulePolicy.Attempts, unlimited: group.ReschedulePolicy.Unlimited })
    ]),
    block("disconnect", undefined, [
      attributes({
        stop_on_client_after: time(group.Disconnect.StopOnClientAfter),
        replace: group.Disconnect.Replace,
        reconcile: group.Disconnect.Reconcile
      })
    ]),
    block("ephemeral_disk", undefined, [attributes({ size: group.EphemeralDisk.SizeMB })]),
    ...Object.entries(group.Volumes ?? {}).map(([name, { ReadOnly, Source, Type }]) =>
      block("volume", name, [attributes({ type: Type, source: Source, read_only: ReadOnly })])
    ),
    ...group.Tasks.map(taskHcl)
  ])

const taskHcl = (task: Task): Node =>
  block("task", task.Name, [
    attributes({ driver: task.Driver, user: task.User, kill_timeout: time(task.KillTimeout) }),
    block("config", undefined, [attributes({ ...task.Config })]),
    attributes({ env: task.Env }),
    ...(task.Vault === undefined
      ? []
      : [
          block("vault", undefined, [
            attributes({
              role: task.Vault.Role,
              policies: task.Vault.Policies,
              change_mode: task.Vault.ChangeMode,
              env: task.Vault.Env,
              disable_file: task.Vault.DisableFile
            })
          ])
        ]),
    ...(task.Templates ?? []).map(templateHcl),
    block("logs", undefined, [
      attributes({ max_files: task.LogConfig.MaxFiles, max_file_size: task.LogConfig.MaxFileSizeMB })
    ]),
    block("resources", undefined, [
      attributes({ cpu: task.Resources.CPU, memory: task.Resources.MemoryMB }),
      ...(task.Resources.Devices ?? []).map(({ Count, Name }) => block("device", Name, [attributes({ count: Count })]))
    ]),
    ...(task.VolumeMounts ?? []).map(({ Destination, PropagationMode, ReadOnly, Volume }) =>
      block("volume_mount", undefined, [
        attributes({
          volume: Volume,
          destination: Destination,
          read_only: ReadOnly,
          propagation_mode: PropagationMode
        })
      ])
    )
  ])

const templateHcl = ({ ChangeMode, DestPath, EmbeddedTmpl, Envvars, Perms }: Template): Node =>
  block("template", undefined, [
    attributes({ data: EmbeddedTmpl, destination: DestPath, perms: Perms, change_mode: ChangeMode, env: Envvars })
  ])

type Value = string | number | boolean | ReadonlyArray<Value> | Values

type Values = { readonly [name: string]: Value | undefined }

type Node =
  | {
      readonly _tag: "Block"
      readonly kind: string
      readonly label: string | undefined
      readonly parts: ReadonlyArray<Node>
    }
  | { readonly _tag: "Attributes"; readonly values: Values }

const block = (kind: string, label: string | undefined, parts: ReadonlyArray<Node>): Node => ({
  _tag: "Block",
  kind,
  label,
  parts
})

const attributes = (values: Values): Node => ({ _tag: "Attributes", values })

const render =
  (shown: (text: string) => string) =>
  (node: Node): string => {
    const text = (value: string) => quoted(shown(value))
    const expression = (value: Value): string => {
      if (typeof value === "string") return text(value)
      if (typeof value !== "object") return String(value)
      if (isList(value)) return `[${value.map((item) => expression(item)).join(", ")}]`
      const members = entries(value).map(([name, member]) => `${quoted(name)} = ${expression(member)}`)
      return `{\n${indented(members.join("\n"))}\n}`
    }
    if (node._tag === "Attributes")
      return entries(node.values)
        .map(([name, value]) => `${name} = ${expression(value)}`)
        .join("\n")
    const head = node.label === undefined ? node.kind : `${node.kind} ${text(node.label)}`
    const parts = node.parts.map(render(shown)).filter((part) => part !== "")
    return `${head} {\n${indented(parts.join("\n"))}\n}`
  }

const entries = (values: Values): ReadonlyArray<readonly [string, Value]> =>
  Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]))

const isList = (value: Value): value is ReadonlyArray<Value> => Array.isArray(value)

/**
 * HCL knows fewer escapes than JSON, and takes `${` and `%{` for templates: Nomad's own are to stay as they are. Doubling
 * them is no way out, since of `$$${` nobody can tell what is doubled.
 */
const quoted = (text: string): string =>
  JSON.stringify(text)
    .replaceAll(/\\[\\bf]/g, (escape) => escapes[escape] ?? escape)
    .replaceAll(/[$%](?=\{)/g, (sign) => (sign === "$" ? "\\u0024" : "\\u0025"))

const escapes: Readonly<Record<string, string>> = { "\\b": "\\u0008", "\\f": "\\u000c" }

const indented = (text: string): string => text.replaceAll(/^(?=.)/gm, "  ")

const time = (nanoseconds: number): string => `${nanoseconds / 1e6}ms`
