import { Either, ParseResult, Schema } from "effect"

const Words = Schema.Array(Schema.String)

/** A block of HCL arrives as an object or as a list of one, as Nomad's API has it from either form of a job file. */
const block = <A, I>(schema: Schema.Schema<A, I>) => Schema.Union(schema, Schema.Array(schema))

const Login = Schema.Struct({
  username: Schema.optional(Schema.String),
  password: Schema.optional(Schema.String),
  server_address: Schema.optional(Schema.String)
})

const Mount = Schema.Struct({
  type: Schema.Literal("tmpfs"),
  target: Schema.String,
  tmpfs_options: Schema.optional(
    block(
      Schema.Struct({
        /** Bytes. */
        size: Schema.optional(Schema.NonNegativeInt),
        /** Decimal, as docker's plugin takes it: 1023 is 01777. */
        mode: Schema.optional(Schema.NonNegativeInt)
      })
    )
  )
})

/** What this driver does of a docker task's `Config`. Names and meanings are those of Nomad's docker driver. */
const DockerConfigSchema = Schema.Struct({
  image: Schema.NonEmptyString,
  command: Schema.optional(Schema.String),
  args: Schema.optional(Words),
  entrypoint: Schema.optional(Words),
  work_dir: Schema.optional(Schema.String),
  network_mode: Schema.optional(Schema.Literal("host")),
  force_pull: Schema.optional(Schema.Boolean),
  auth: Schema.optional(block(Login)),
  cap_add: Schema.optional(Words),
  cap_drop: Schema.optional(Words),
  security_opt: Schema.optional(Words),
  readonly_rootfs: Schema.optional(Schema.Boolean),
  mounts: Schema.optional(block(Mount)),
  mount: Schema.optional(block(Mount)),
  privileged: Schema.optional(Schema.Literal(false)),
  devices: Schema.optional(Schema.Array(Schema.Unknown)),
  // Neither changes what runs: output goes to the allocation's log files whatever docker would do with it.
  logging: Schema.optional(Schema.Unknown),
  labels: Schema.optional(Schema.Unknown),
  auth_soft_fail: Schema.optional(Schema.Boolean),
  image_pull_timeout: Schema.optional(Schema.String)
})
export type DockerConfig = typeof DockerConfigSchema.Type

/** The config as this driver reads it, or one line for each thing that it refuses. */
export const decodeDockerConfig = (
  config: Readonly<Record<string, unknown>>
): Either.Either<DockerConfig, ReadonlyArray<string>> =>
  Either.mapLeft(
    Schema.decodeUnknownEither(DockerConfigSchema, { errors: "all", onExcessProperty: "error" })(config),
    (error) =>
      ParseResult.ArrayFormatter.formatErrorSync(error).map(
        (issue) => `config.${issue.path.join(".")}: ${issue._tag === "Unexpected" ? notImplemented : issue.message}`
      )
  )

/** The one block of a field that HCL allows to be a list. */
export const firstBlock = <A extends object>(value: A | ReadonlyArray<A> | undefined): A | undefined => blocks(value)[0]

/** All blocks of a field, written as one object or as a list. */
export const blocks = <A extends object>(value: A | ReadonlyArray<A> | undefined): ReadonlyArray<A> => {
  if (value === undefined) return []
  return isList(value) ? value : [value]
}

/** What of a container's config Nomad's docker driver would grant and this one can't. Host images are not asked. */
export const containerRefusals = (config: DockerConfig): ReadonlyArray<string> => {
  const forbidden = (config.cap_add ?? []).filter((name) => !allowedCapabilities.has(capabilityName(name)))
  return [
    // The text of Nomad's docker driver.
    ...(forbidden.length > 0 ? [`driver does not allow the following capabilities: ${forbidden.join(", ")}`] : []),
    ...((config.devices ?? []).length > 0 ? [`config.devices: ${notImplemented}`] : []),
    ...(config.security_opt ?? [])
      .filter((option) => !harmlessSecurityOption.test(option))
      .map((option) => `config.security_opt: "${option}" is not implemented by the embedded Nomad's driver`)
  ]
}

/** What a container's process may hold: docker's default set, less `cap_drop`, plus `cap_add`. */
export const grantedCapabilities = (config: DockerConfig): ReadonlyArray<string> => {
  const dropped = new Set((config.cap_drop ?? []).map(capabilityName))
  const added = new Set((config.cap_add ?? []).map(capabilityName))
  const kept = dropped.has("CAP_ALL") ? [] : defaultCapabilities.filter((name) => !dropped.has(name))
  const everything = added.has("CAP_ALL") ? defaultCapabilities : [...added]
  return [...new Set([...kept, ...everything])]
}

export const forbidsNewPrivileges = (config: DockerConfig): boolean =>
  (config.security_opt ?? []).some((option) => /^no-new-privileges(?:[:=]true)?$/.test(option))

const notImplemented = "not implemented by the embedded Nomad's driver"

/** Seccomp and AppArmor profiles only take rights away, which no task can depend on. */
const harmlessSecurityOption = /^(?:no-new-privileges|seccomp[:=]|apparmor[:=]|label[:=])/

const capabilityName = (name: string): string => {
  const upper = name.toUpperCase()
  return upper.startsWith("CAP_") ? upper : `CAP_${upper}`
}

/** Docker's default capabilities, less NET_RAW: the default of Nomad's `allow_caps` as well. */
const defaultCapabilities: ReadonlyArray<string> = [
  "CAP_AUDIT_WRITE",
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_FOWNER",
  "CAP_FSETID",
  "CAP_KILL",
  "CAP_MKNOD",
  "CAP_NET_BIND_SERVICE",
  "CAP_SETFCAP",
  "CAP_SETGID",
  "CAP_SETPCAP",
  "CAP_SETUID",
  "CAP_SYS_CHROOT"
]

const allowedCapabilities: ReadonlySet<string> = new Set([...defaultCapabilities, "CAP_ALL"])

const isList = <A extends object>(value: A | ReadonlyArray<A>): value is ReadonlyArray<A> => Array.isArray(value)
