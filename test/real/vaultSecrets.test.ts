import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Effect, Either, Exit, Option, Schedule, Schema, Scope } from "effect"
import type { ChildState } from "../../src/domain/ChildState.ts"
import { buildSpec } from "../../src/jobspec/buildSpec.ts"
import type { NomadJob } from "../../src/jobspec/NomadJob.ts"
import { publishSpec } from "../../src/jobspec/publishSpec.ts"
import { testSpec } from "../../src/jobspec/testSpec.ts"
import { outcome } from "../../src/nomad/outcome.ts"
import { type Changes, finals, jobId, phaseInput, source, temporary } from "../jobspec/phaseInputs.ts"
import { digest, rawExecStep } from "./rawExecStep.ts"
import { manifests, missing, titled, type VaultLab, vaultLab } from "./vaultLab.ts"

/** What breaks quoting of shells, env files, JSON and templates. */
const awkward = `p"a$s\`s'w\\ord <&> {{ x }} \${y} # é 😀\n  second line\t`

describe.skipIf(missing.length > 0)(titled("a real Nomad with a real Vault"), () => {
  const scope = Effect.runSync(Scope.make())
  const folder = mkdtempSync(join(tmpdir(), "jobforge-vault-"))
  let lab: VaultLab
  let said: ReadonlyArray<string>

  beforeAll(async () => {
    lab = await Effect.runPromise(Scope.extend(vaultLab, scope))
    said = [await Effect.runPromise(lab.setUp()), await Effect.runPromise(lab.setUp())]
    await Effect.runPromise(
      Effect.all([
        lab.vault.put("nomad/jobs/git", { username: "ada", password: awkward }),
        lab.vault.put("nomad/jobs/ssh", { ssh_key: "-----BEGIN KEY-----\nabc\n-----END KEY-----\n" }),
        lab.vault.put("nomad/jobs/registry", { username: "robot", password: awkward }),
        lab.vault.put("nomad/jobs/anonymous", { username: "", password: "" }),
        lab.vault.put("nomad/jobs/db", { "pass-word": awkward, port: 5432 }),
        lab.vault.put("elsewhere/git", { username: "eve", password: "other" })
      ])
    )
  }, 120_000)

  afterAll(async () => {
    await Effect.runPromise(Scope.close(scope, Exit.void))
    rmSync(folder, { recursive: true, force: true })
  }, 60_000)

  /** Where a step has come to, once that is as wanted. */
  const stateOf = (job: { readonly ID: string }, wanted: (state: ChildState) => boolean) =>
    Effect.all([lab.nomad.job(job.ID), lab.nomad.allocations(job.ID), lab.nomad.evaluations(job.ID)]).pipe(
      Effect.map(([found, allocations, evaluations]) => outcome(found, allocations, evaluations)),
      Effect.filterOrFail(wanted, (state) => state),
      Effect.retry(Schedule.intersect(Schedule.spaced("200 millis"), Schedule.recurs(150)))
    )

  const isOver = ({ _tag }: ChildState) => !["Absent", "Queued", "Starting", "Running"].includes(_tag)
  const waits = (state: ChildState) =>
    isOver(state) || (state._tag === "Starting" && Option.exists(state.waiting, (text) => text.startsWith("Missing")))

  let count = 0
  /** Its id is one that no other test has. */
  const input = (phase: string, changes: Changes) => {
    count += 1
    return { ...phaseInput(changes), nomadId: `${phase}-${jobId}-${count}` }
  }

  /** The files that a step found. */
  const given = Effect.fnUntraced(function* (spec: NomadJob) {
    const job = rawExecStep(spec, folder)
    yield* lab.nomad.register(job)
    const state = yield* stateOf(job, isOver)
    assert.strictEqual(state._tag, "Succeeded", JSON.stringify(state))
    const of = join(folder, job.ID)
    return Object.fromEntries(
      readdirSync(of, { withFileTypes: true })
        .filter((entry) => entry.isFile() && entry.name !== "done")
        .map(({ name }) => [name, readFileSync(join(of, name), "utf8")])
    )
  })

  const build = (job: Changes["job"], settings: Changes["settings"] = {}) =>
    buildSpec(input("build", { ...(job === undefined ? {} : { job }), settings }), {
      kind: "temporary",
      image: temporary
    })

  it("was set up by the script, which can be run again", () => {
    assert.include(said[0] ?? "", "Enabled jwt auth method at: jwt-nomad/")
    assert.notInclude(said[1] ?? "", "Enabled")
    for (const text of said) assert.include(text, "Vault is ready")
  })

  it.live(
    "gives a build the credentials of Git and of its registry, by any style of path",
    () =>
      Effect.gen(function* () {
        for (const prefix of ["secret/data/nomad/jobs", "secret/nomad/jobs", "nomad/jobs"]) {
          const files = yield* given(
            build({
              git_credentials_path: `${prefix}/git`,
              registry_credentials_path: `${prefix}/registry`,
              registry_url: "registry.example.com"
            })
          )
          assert.strictEqual(files["git-username"], "ada", prefix)
          assert.strictEqual(files["git-password"], awkward, prefix)
          assert.strictEqual(files["git-ssh-key"], "")
          assert.deepStrictEqual(logins(files["auth.json"]), {
            auths: { "registry.example.com": { auth: btoaUtf8(`robot:${awkward}`) } }
          })
          assert.notMatch(files["env"] ?? "", /VAULT_TOKEN|robot/)
          assert.notProperty(files, "vault_token")
        }
      }),
    120_000
  )

  it.live(
    "gives a build a key instead, and an anonymous login where the user name is empty",
    () =>
      Effect.gen(function* () {
        const files = yield* given(
          build({
            git_credentials_path: "secret/nomad/jobs/ssh",
            registry_credentials_path: "secret/nomad/jobs/anonymous"
          })
        )
        assert.strictEqual(files["git-ssh-key"], "-----BEGIN KEY-----\nabc\n-----END KEY-----\n")
        assert.strictEqual(files["git-password"], "")
        assert.deepStrictEqual(logins(files["auth.json"]), { auths: { "registry.example.com": {} } })
      }),
    60_000
  )

  it.live(
    "gives a test its secrets as environment, and no login",
    () =>
      Effect.gen(function* () {
        const test = {
          vault_policies: ["whatever"],
          vault_secrets: [
            {
              path: "secret/data/nomad/jobs/db",
              fields: { "pass-word": "DB_PASSWORD", port: "DB_PORT", none: "DB_NONE" }
            }
          ]
        }
        const files = yield* given(
          testSpec(
            input("test", { test, job: { registry_credentials_path: "secret/nomad/jobs/registry" } }),
            { kind: "entry-point" },
            source
          )
        )
        assert.strictEqual(files["DB_PASSWORD"], awkward)
        assert.include(files["env"] ?? "", "DB_PORT=5432\n")
        assert.include(files["env"] ?? "", "DB_NONE=\n")
        assert.notProperty(files, "auth.json")
      }),
    60_000
  )

  it.live(
    "gives publishing the logins of the registry and of the temporary images",
    () =>
      Effect.gen(function* () {
        const files = yield* given(
          publishSpec(
            input("publish", {
              job: { registry_credentials_path: "secret/nomad/jobs/registry" },
              settings: { temporaryRegistryCredentialsPath: "nomad/jobs/git" }
            }),
            source,
            digest,
            finals
          )
        )
        assert.deepStrictEqual(logins(files["auth.json"]), {
          auths: {
            "registry.example.com": { auth: btoaUtf8(`robot:${awkward}`) },
            [`registry.example.com/temp/${jobId}`]: { auth: btoaUtf8(`ada:${awkward}`) }
          }
        })
      }),
    60_000
  )

  it.live(
    "names the path that is missing or that the role may not read while a step waits for it",
    () =>
      Effect.gen(function* () {
        for (const path of ["secret/data/nomad/jobs/nobody", "secret/nomad/jobs/nobody", "secret/data/elsewhere/git"]) {
          const job = rawExecStep(build({ git_credentials_path: path }), folder)
          yield* lab.nomad.register(job)
          const state = yield* stateOf(job, waits)
          assert.deepInclude(state, { _tag: "Starting", waiting: Option.some(`Missing: vault.read(${path})`) })
          yield* lab.nomad.stop(job.ID)
        }
      }),
    60_000
  )

  it.live(
    "lets nobody log in as a role that isn't theirs, or isn't there, and says so",
    () =>
      Effect.gen(function* () {
        const path = "secret/nomad/jobs/git"
        const cases = [
          [
            build({ git_credentials_path: path }, { vaultRole: "no-such-role" }),
            'role "no-such-role" could not be found'
          ],
          [build({ git_credentials_path: path }, { vaultRole: "jobforge-service" }), "nomad_job_id"],
          [{ ...build({ git_credentials_path: path }), ID: "somebody-elses" }, "nomad_job_id"]
        ] as const
        for (const [spec, words] of cases) {
          const job = rawExecStep(spec, folder)
          yield* lab.nomad.register(job)
          const state = yield* stateOf(job, isOver)
          assert.deepInclude(state, { _tag: "NeverStarted", reason: "template" })
          assert.include(JSON.stringify(state), words.replaceAll('"', '\\\\"').replaceAll("\\\\", "\\"))
        }
      }),
    60_000
  )

  it.live(
    "goes by the role that a test's policies stand for",
    () =>
      Effect.gen(function* () {
        const role = yield* Effect.promise(async () =>
          readFileSync(join(manifests, "nomad-workloads.role.json"), "utf8")
        )
        yield* lab.vault.ask("PUT", "sys/policies/acl/other", {
          policy:
            'path "secret/data/elsewhere/*" { capabilities = ["read"] }\npath "auth/token/renew-self" { capabilities = ["update"] }'
        })
        yield* lab.vault.ask("POST", "auth/jwt-nomad/role/other-tests", {
          ...(yield* Schema.decode(Role)(role)),
          token_policies: ["other"]
        })
        const spec = (policy: string) =>
          testSpec(
            input("test", {
              test: {
                vault_policies: [policy],
                vault_secrets: [{ path: "secret/data/elsewhere/git", fields: { password: "DB_PASSWORD" } }]
              },
              settings: { vaultPolicyRoles: { other: "other-tests" } }
            }),
            { kind: "entry-point" },
            source
          )
        assert.strictEqual((yield* given(spec("other")))["DB_PASSWORD"], "other")
        const without = rawExecStep(spec("unmapped"), folder)
        yield* lab.nomad.register(without)
        assert.deepInclude(yield* stateOf(without, waits), { _tag: "Starting" })
        yield* lab.nomad.stop(without.ID)
      }),
    60_000
  )
})

const Role = Schema.parseJson(Schema.Record({ key: Schema.String, value: Schema.Unknown }))

const parse = Schema.decodeUnknownEither(Schema.parseJson(Schema.Unknown))

const logins = (text: string | undefined): unknown => Either.getOrUndefined(parse(text))

const btoaUtf8 = (text: string): string => Buffer.from(text).toString("base64")
