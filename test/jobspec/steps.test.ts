import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { readFileSync } from "node:fs"
import { buildSpec } from "../../src/jobspec/buildSpec.ts"
import { cleanupSpec } from "../../src/jobspec/cleanupSpec.ts"
import type { NomadJob, Task } from "../../src/jobspec/NomadJob.ts"
import { publishSpec } from "../../src/jobspec/publishSpec.ts"
import { scriptFailures } from "../../src/jobspec/ScriptFailure.ts"
import { testSpec } from "../../src/jobspec/testSpec.ts"
import { type Changes, digest, finals, jobId, phaseInput, source, temporary } from "./phaseInputs.ts"

const taskOf = (spec: NomadJob): Task => spec.TaskGroups[0].Tasks[0]

const build = (changes: Changes = {}): NomadJob =>
  buildSpec(phaseInput(changes), { kind: "temporary", image: temporary })
const buildFinal = (changes: Changes = {}): NomadJob =>
  buildSpec(phaseInput(changes), { kind: "final", images: finals })
const test = (changes: Changes = {}): NomadJob => testSpec(phaseInput(changes), { kind: "entry-point" }, source)
const publish = (changes: Changes = {}): NomadJob => publishSpec(phaseInput(changes), source, digest, finals)
const cleanup = (changes: Changes = {}): NomadJob => cleanupSpec(phaseInput(changes), temporary)

const templates = (spec: NomadJob): Readonly<Record<string, string>> =>
  Object.fromEntries((taskOf(spec).Templates ?? []).map((template) => [template.DestPath, template.EmbeddedTmpl]))

const FixtureTask = Schema.Struct({
  User: Schema.optional(Schema.String),
  Config: Schema.Struct({
    security_opt: Schema.Array(Schema.String),
    cap_drop: Schema.Array(Schema.String),
    cap_add: Schema.optional(Schema.Array(Schema.String)),
    devices: Schema.optional(Schema.Unknown),
    logging: Schema.Unknown
  }),
  Env: Schema.optional(Schema.Record({ key: Schema.String, value: Schema.String })),
  VolumeMounts: Schema.optional(Schema.Unknown)
})

const Fixture = Schema.parseJson(
  Schema.Struct({
    Job: Schema.Struct({
      TaskGroups: Schema.NonEmptyArray(
        Schema.Struct({ Volumes: Schema.optional(Schema.Unknown), Tasks: Schema.NonEmptyArray(FixtureTask) })
      )
    })
  })
)

/** Job specs that ran on a real Nomad as they stand. */
const proved = (name: string) =>
  Schema.decodeSync(Fixture)(readFileSync(new URL(`./provedJobs/${name}.json`, import.meta.url), "utf8")).Job
    .TaskGroups[0]

describe("the build step", () => {
  it("has the privileges that a rootless build was proved to need, and no more", () => {
    const [expected] = proved("build-rootless").Tasks
    const task = taskOf(build({ settings: { apparmor: "" } }))
    assert.strictEqual(task.User, expected.User)
    assert.deepEqual(task.Config.cap_drop, expected.Config.cap_drop)
    assert.deepEqual(task.Config.cap_add, expected.Config.cap_add)
    assert.deepEqual(task.Config.security_opt, expected.Config.security_opt)
    assert.notProperty(task.Config, "devices")
    assert.deepEqual(task.VolumeMounts, expected.VolumeMounts)
    assert.deepEqual(build().TaskGroups[0].Volumes, proved("build-rootless").Volumes)
    assert.deepInclude(task.Env, { BUILDAH_ISOLATION: "chroot", STORAGE_DRIVER: "overlay" })
  })

  it("takes AppArmor's profile away as well, which would deny mount", () => {
    assert.deepEqual(taskOf(build()).Config.security_opt, ["seccomp=unconfined", "apparmor=unconfined"])
  })

  it("uses fuse-overlayfs, device included, where the operator wants it", () => {
    const [expected] = proved("build-rootless-fuse").Tasks
    const task = taskOf(build({ settings: { fuse: true } }))
    assert.deepEqual(task.Config.devices, expected.Config.devices)
    assert.strictEqual(task.Env?.["STORAGE_OPTS"], expected.Env?.["STORAGE_OPTS"])
  })

  it("may chroot under a seccomp profile of the operator's", () => {
    const { Config } = taskOf(build({ settings: { seccomp: "/etc/docker/builder.json" } }))
    assert.deepEqual(Config.cap_add, ["setuid", "setgid", "sys_chroot"])
    assert.include(Config.security_opt ?? [], "seccomp=/etc/docker/builder.json")
  })

  it("hands what the user typed to the script as environment and arguments", () => {
    const changes = {
      job: { git_ref: "v1", dockerfile_path: "app/Dockerfile", dockerfile_context: "app", clear_cache: true }
    }
    assert.deepInclude(taskOf(build(changes)).Env, {
      JOBFORGE_REPO_URL: "https://git.example.com/ada/engine.git",
      JOBFORGE_GIT_REF: "v1",
      JOBFORGE_DOCKERFILE: "app/Dockerfile",
      JOBFORGE_CONTEXT: "app",
      JOBFORGE_CLEAR_CACHE: "true",
      JOBFORGE_TARGET: "temporary"
    })
    assert.deepEqual(taskOf(build()).Config.entrypoint?.slice(3), ["jobforge", temporary])
    assert.deepEqual(taskOf(buildFinal()).Config.entrypoint?.slice(3), ["jobforge", ...finals])
    assert.strictEqual(taskOf(buildFinal()).Env?.["JOBFORGE_TARGET"], "final")
  })

  it("keeps the layers of different projects apart, and those of one together", () => {
    const key = (changes: Changes): string | undefined => taskOf(build(changes)).Env?.["JOBFORGE_CACHE_KEY"]
    const projects = [
      {},
      { owner: "bob" },
      { repo_url: "https://git.example.com/ada/other.git" },
      { image_name: "ada/other" },
      { registry_url: "other.example.com" }
    ]
    assert.strictEqual(new Set(projects.map((changed) => key({ job: changed }))).size, projects.length)
    assert.strictEqual(key({}), key({ job: { git_ref: "other", image_tags: [], dockerfile_path: "x/Dockerfile" } }))
    assert.match(key({}) ?? "", /^[0-9a-f]{32}$/)
  })

  it("trusts the operator's certificates", () => {
    const certificates = { volume: "certs", destination: "/etc/containers/certs.d" }
    const spec = build({ settings: { certificates: { ...certificates, bundle: "ca.pem" } } })
    assert.deepInclude(spec.TaskGroups[0].Volumes, {
      certificates: { Name: "certificates", Type: "host", Source: "certs", ReadOnly: true }
    })
    assert.deepInclude(taskOf(spec).VolumeMounts ?? [], {
      Volume: "certificates",
      Destination: "/etc/containers/certs.d",
      ReadOnly: true,
      PropagationMode: "private"
    })
    const bundle = "/etc/containers/certs.d/ca.pem"
    assert.deepInclude(taskOf(spec).Env, { SSL_CERT_FILE: bundle, GIT_SSL_CAINFO: bundle })
    assert.notProperty(taskOf(build({ settings: { certificates } })).Env, "SSL_CERT_FILE")
  })

  it("gives each credential a file of its own, which its own user can read", () => {
    const spec = build({
      job: { git_credentials_path: "secret/git", registry_credentials_path: "secret/data/registry" }
    })
    assert.deepEqual(templates(spec), {
      "secrets/git-username":
        '{{ with secret "secret/git" }}{{ if .Data.data.username }}{{ .Data.data.username }}{{ end }}{{ end }}',
      "secrets/git-password":
        '{{ with secret "secret/git" }}{{ if .Data.data.password }}{{ .Data.data.password }}{{ end }}{{ end }}',
      "secrets/git-ssh-key":
        '{{ with secret "secret/git" }}{{ if .Data.data.ssh_key }}{{ .Data.data.ssh_key }}{{ end }}{{ end }}',
      "secrets/git-known-hosts":
        '{{ with secret "secret/git" }}{{ if .Data.data.known_hosts }}{{ .Data.data.known_hosts }}{{ end }}{{ end }}',
      "secrets/auth.json":
        '{"auths": { "registry.example.com": { {{ with secret "secret/data/registry" }}{{ if .Data.data.username }}"auth": ' +
        '"{{ printf "%s:%s" .Data.data.username .Data.data.password | base64Encode }}"{{ end }}{{ end }} } }}\n'
    })
    for (const template of taskOf(spec).Templates ?? []) {
      assert.deepInclude(template, { Perms: "0644", ChangeMode: "noop", Envvars: false })
    }
  })

  it("keeps the Vault token away from what runs in the task", () => {
    assert.deepEqual(taskOf(build({ job: { git_credentials_path: "secret/git" } })).Vault, {
      Role: "nomad-workloads",
      Policies: ["jobforge-service"],
      ChangeMode: "noop",
      Env: false,
      DisableFile: true
    })
  })

  it("has no Vault block where the engine fills in secrets by itself", () => {
    const task = taskOf(build({ job: { git_credentials_path: "secret/git" }, settings: { vault: false } }))
    assert.notProperty(task, "Vault")
    assert.lengthOf(task.Templates ?? [], 4)
  })

  it("uses the service's own login for the temporary repository only", () => {
    const settings = { temporaryRegistryCredentialsPath: "secret/temp" }
    const text = templates(build({ settings }))["secrets/auth.json"] ?? ""
    assert.include(text, `"registry.example.com/temp/${jobId}": {`)
    assert.notInclude(text, '"registry.example.com":')
    assert.deepEqual(templates(buildFinal({ settings })), {})
    const both =
      templates(build({ settings, job: { registry_credentials_path: "secret/own" } }))["secrets/auth.json"] ?? ""
    assert.include(both, 'secret "secret/own"')
    assert.include(both, 'secret "secret/temp"')
  })

  it("speaks without TLS to the listed registries and to those on its own machine", () => {
    const insecure = (changes: Changes, image = temporary): string | undefined =>
      taskOf(buildSpec(phaseInput(changes), { kind: "temporary", image })).Env?.["JOBFORGE_INSECURE_REGISTRIES"]
    assert.strictEqual(insecure({}), "")
    assert.strictEqual(insecure({ settings: { insecureRegistries: ["b:5000", "a"] } }), "a b:5000")
    assert.strictEqual(insecure({ job: { registry_url: "127.0.0.1:5000/team" } }), "127.0.0.1:5000")
    assert.strictEqual(insecure({}, "localhost:5001/temp/x:latest"), "localhost:5001")
    assert.strictEqual(insecure({ job: { registry_url: "[::1]:5000" } }), "[::1]:5000")
    assert.strictEqual(insecure({ job: { registry_url: "127.0.0.1.example.com" } }), "")
  })
})

describe("the test step", () => {
  const command = "curl -w '%{http_code}' ${URL}"
  const commandTest = (changes: Changes = {}, text = command): NomadJob =>
    testSpec(phaseInput(changes), { kind: "command", index: 4, command: text }, source)

  it("replaces the image's entry point by the command instead of giving it to the entry point", () => {
    assert.deepEqual(taskOf(commandTest()).Config.entrypoint?.slice(-2), ["sh", "curl -w '%%{http_code}' $${URL}"])
    assert.deepInclude(commandTest().Meta, {
      phase: "test",
      "test-type": "command",
      "test-index": "4",
      "test-command": command
    })
  })

  it("runs the image's own entry point with nothing of ours around it", () => {
    assert.notProperty(taskOf(test()).Config, "entrypoint")
    assert.strictEqual(test().Meta["test-type"], "entrypoint")
  })

  it("runs the image that was built, by digest, as its own user and with docker's default capabilities", () => {
    const task = taskOf(test())
    assert.strictEqual(task.Config.image, source)
    assert.notProperty(task, "User")
    assert.notProperty(task, "VolumeMounts")
    assert.notProperty(task.Config, "cap_add")
    assert.notProperty(task.Config, "cap_drop")
    assert.notProperty(task.Config, "security_opt")
  })

  it("shows the beginning of a long command, with no character cut in two", () => {
    const shown = commandTest({}, "😀".repeat(300)).Meta["test-command"]
    assert.strictEqual(shown, "😀".repeat(200))
  })

  it("has no registry login that the tested code could read", () => {
    const spec = test({ job: { registry_credentials_path: "secret/registry", git_credentials_path: "secret/git" } })
    assert.deepEqual(templates(spec), {})
    assert.notProperty(taskOf(spec).Config, "auth")
    assert.notInclude(JSON.stringify(spec), "secret/")
  })

  it("gets its environment and its secrets", () => {
    const spec = test({
      test: {
        env: { B: "2", A: "1" },
        vault_policies: ["tests"],
        vault_secrets: [{ path: "secret/data/db", fields: { "pass-word": "DB_PASSWORD", user: "DB_USER" } }]
      }
    })
    assert.strictEqual(JSON.stringify(taskOf(spec).Env), '{"A":"1","B":"2"}')
    assert.deepEqual(taskOf(spec).Templates, [
      {
        EmbeddedTmpl:
          '{{ with secret "secret/data/db" }}' +
          'DB_PASSWORD={{ if index .Data.data "pass-word" }}{{ index .Data.data "pass-word" | toJSON }}{{ end }}\n' +
          'DB_USER={{ if index .Data.data "user" }}{{ index .Data.data "user" | toJSON }}{{ end }}\n{{ end }}',
        DestPath: "secrets/vault-0.env",
        Perms: "0644",
        ChangeMode: "noop",
        Envvars: true
      }
    ])
    assert.deepEqual(taskOf(spec).Vault?.Policies, ["tests"])
  })

  it("logs in to Vault as the role that its policies stand for, and other steps as their own", () => {
    const settings = { vaultPolicyRoles: { payments: "payments-tests" } }
    const secret = { vault_secrets: [{ path: "nomad/jobs/db", fields: { a: "A" } }] }
    const mapped = test({ settings, test: { ...secret, vault_policies: ["payments"] } })
    assert.strictEqual(taskOf(mapped).Vault?.Role, "payments-tests")
    assert.include(JSON.stringify(taskOf(mapped).Templates), "secret/data/nomad/jobs/db")
    assert.strictEqual(
      taskOf(test({ settings, test: { ...secret, vault_policies: ["other"] } })).Vault?.Role,
      "nomad-workloads"
    )
  })

  it("leaves out what of Vault is not configured", () => {
    const spec = testSpec(
      {
        ...phaseInput({ settings: { vaultPolicies: [] }, test: { vault_secrets: [{ path: "p", fields: { a: "A" } }] } })
      },
      { kind: "entry-point" },
      source
    )
    assert.notProperty(taskOf(spec).Vault ?? {}, "Policies")
    const { vaultRole: _, ...settings } = phaseInput().settings
    const unnamed = testSpec(
      { ...phaseInput({ test: { vault_secrets: [{ path: "p", fields: { a: "A" } }] } }), settings },
      { kind: "entry-point" },
      source
    )
    assert.notProperty(taskOf(unnamed).Vault ?? {}, "Role")
    assert.deepEqual(taskOf(unnamed).Vault?.Policies, ["jobforge-service"])
  })

  it("gets GPUs as devices where it counts them, and lets the plugin say which", () => {
    const spec = test({ test: { gpu_required: true, gpu_count: 2, env: { X: "y" } } })
    assert.deepEqual(taskOf(spec).Resources.Devices, [{ Name: "nvidia/gpu", Count: 2 }])
    assert.strictEqual(taskOf(spec).Config.runtime, "nvidia")
    assert.notProperty(taskOf(spec).Env, "NVIDIA_VISIBLE_DEVICES")
    assert.deepEqual(spec.TaskGroups[0].Constraints, [
      { LTarget: "${meta.gpu-capable}", RTarget: "true", Operand: "=" }
    ])
  })

  it("sees every GPU where it counts none, or where the clients have no device plugin", () => {
    const uncounted = taskOf(test({ test: { gpu_required: true } }))
    assert.notProperty(uncounted.Resources, "Devices")
    assert.deepInclude(uncounted.Env, { NVIDIA_VISIBLE_DEVICES: "all" })
    const noPlugin = taskOf(test({ test: { gpu_count: 2 }, settings: { gpuDevice: false } }))
    assert.notProperty(noPlugin.Resources, "Devices")
    assert.deepInclude(noPlugin.Env, { NVIDIA_VISIBLE_DEVICES: "all" })
    assert.strictEqual(noPlugin.Config.runtime, "nvidia")
  })

  it("leaves it to the user which GPUs are visible", () => {
    const spec = test({ test: { gpu_required: true, env: { NVIDIA_VISIBLE_DEVICES: "1" } } })
    assert.deepEqual(taskOf(spec).Env, { NVIDIA_VISIBLE_DEVICES: "1" })
  })

  it("runs where the user wants it, after the GPU's own constraint", () => {
    const constraints = [{ attribute: "${attr.kernel.name}", operand: "=", value: "linux" }]
    const spec = test({ test: { gpu_required: true, constraints } })
    assert.deepEqual(spec.TaskGroups[0].Constraints, [
      { LTarget: "${meta.gpu-capable}", RTarget: "true", Operand: "=" },
      { LTarget: "${attr.kernel.name}", RTarget: "linux", Operand: "=" }
    ])
    assert.notProperty(taskOf(test({ test: { constraints } })).Config, "runtime")
  })
})

describe("the publish and cleanup steps", () => {
  it.each([
    ["publish", publish],
    ["cleanup", cleanup]
  ])("%s has no privilege at all and nothing mounted", (_, spec) => {
    const [expected] = proved("publish-skopeo").Tasks
    const task = taskOf(spec())
    assert.strictEqual(task.User, expected.User)
    assert.deepEqual(task.Config.cap_drop, expected.Config.cap_drop)
    assert.deepEqual(task.Config.security_opt, expected.Config.security_opt)
    assert.notProperty(task.Config, "cap_add")
    assert.notProperty(task.Config, "devices")
    assert.deepEqual(task.VolumeMounts, [])
    assert.deepEqual(spec().TaskGroups[0].Volumes, {})
  })

  it("publishes by digest, the job id's tag named first", () => {
    const { Config, Env } = taskOf(publish())
    assert.deepEqual(Config.entrypoint?.slice(3), ["jobforge", ...finals])
    assert.deepInclude(Env, { JOBFORGE_SOURCE: source, JOBFORGE_DIGEST: digest })
  })

  it("deletes the one image it is given, with the cleanup's own limits", () => {
    assert.deepEqual(taskOf(cleanup()).Config.entrypoint?.slice(3), ["jobforge", temporary])
    assert.deepEqual(taskOf(cleanup()).Resources, { CPU: 100, MemoryMB: 256 })
    assert.strictEqual(cleanup().TaskGroups[0].EphemeralDisk.SizeMB, 512)
  })

  it("logs in to the registry of the temporary image and to that of the final ones", () => {
    const changes = {
      job: { registry_credentials_path: "secret/own" },
      settings: { temporaryRegistryCredentialsPath: "secret/temp" }
    }
    for (const spec of [publish(changes), cleanup(changes)]) {
      const text = templates(spec)["secrets/auth.json"] ?? ""
      assert.include(text, '"registry.example.com": { {{ with secret "secret/own" }}')
      assert.include(text, `"registry.example.com/temp/${jobId}": { {{ with secret "secret/temp" }}`)
    }
  })

  it("has the environment that the operator adds", () => {
    const environment = { HTTPS_PROXY: "http://proxy:3128" }
    for (const spec of [build, publish, cleanup]) {
      assert.deepInclude(taskOf(spec({ settings: { environment } })).Env, environment)
    }
  })
})

describe("the scripts' failures", () => {
  it("have an exit code each, beyond those that a shell or Buildah use", () => {
    const codes = Object.values(scriptFailures).map(({ exitCode }) => exitCode)
    assert.strictEqual(new Set(codes).size, codes.length)
    for (const code of codes) assert.isTrue(code > 78 && code < 125)
  })

  it("have messages that stand in shell and JSON as they are", () => {
    for (const { message } of Object.values(scriptFailures)) assert.match(message, /^[a-zA-Z ,-]+$/)
  })
})
