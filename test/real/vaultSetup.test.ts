import { execFile, execFileSync } from "node:child_process"
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { nomadProgram } from "../support/RealNomad.ts"
import { startRealVault, vaultProgram } from "../support/RealVault.ts"
import { scriptedServer } from "../support/ScriptedServer.ts"
import { manifests, missing, titled } from "./vaultLab.ts"

describe.skipIf(missing.length > 0)(titled("what manifests/vault has"), () => {
  it.scopedLive("is set up for names of one's own", () =>
    Effect.gen(function* () {
      const vault = yield* startRealVault(vaultProgram() ?? "")
      // Vault looks at the keys as it is told of them; nobody logs in here.
      const nomad = yield* scriptedServer((_, response) => response.end('{"keys":[]}'))
      const setUp = (environment: Readonly<Record<string, string>>) =>
        Effect.tryPromise(() =>
          run(join(manifests, "setup.sh"), [], {
            env: {
              PATH: process.env["PATH"],
              VAULT_BIN: vaultProgram(),
              VAULT_ADDR: vault.address,
              VAULT_TOKEN: "root-token-of-the-test",
              NOMAD_ADDR: nomad.origin,
              ...environment
            }
          })
        ).pipe(Effect.mapError(({ error }) => String(error)))
      yield* setUp({
        KV_MOUNT: "team/kv",
        KV_PREFIX: "builds",
        JWT_MOUNT: "jwt-ci",
        NOMAD_NAMESPACE: "ci",
        SERVICE_JOB: "forge"
      })
      const policy = yield* Effect.flatMap(vault.ask("GET", "sys/policies/acl/jobforge-service"), decodePolicy)
      assert.include(policy.policy, '"team/kv/metadata/builds/*"')
      assert.notInclude(policy.policy, "nomad/jobs")
      const roles = yield* Effect.forEach(["nomad-workloads", "jobforge-service"], (role) =>
        Effect.flatMap(vault.ask("GET", `auth/jwt-ci/role/${role}`), decodeRole)
      )
      const [steps, service] = roles
      assert.deepStrictEqual(steps?.bound_claims, {
        nomad_namespace: "ci",
        nomad_job_id: ["build-*", "test-*", "publish-*", "cleanup-*"]
      })
      assert.deepStrictEqual(service?.bound_claims, { nomad_namespace: "ci", nomad_job_id: "forge" })
      for (const role of roles) assert.strictEqual(role.token_no_default_policy, true)
      const mounts = yield* Effect.flatMap(vault.ask("GET", "sys/mounts/team/kv/tune"), decodeTune)
      assert.strictEqual(mounts.options.version, "2")
      const refused = (environment: Readonly<Record<string, string>>) => Effect.flip(setUp(environment))
      assert.include(yield* refused({ KV_MOUNT: "a|b" }), `"a|b" can't be`)
      assert.include(yield* refused({ VAULT_TOKEN: "wrong" }), "VAULT_TOKEN is no token")
      assert.include(yield* refused({ NOMAD_ADDR: "" }), "NOMAD_ADDR is not set")
      assert.include(yield* refused({ NOMAD_ADDR: "http://127.0.0.1:1" }), "Vault must reach")
    })
  )

  it("is formatted as the programs themselves would", () => {
    const folder = mkdtempSync(join(tmpdir(), "jobforge-format-"))
    try {
      for (const name of readdirSync(manifests).filter((file) => file.endsWith(".hcl"))) {
        const copy = join(folder, name)
        copyFileSync(join(manifests, name), copy)
        if (name.endsWith(".policy.hcl")) execFileSync(vaultProgram() ?? "", ["policy", "fmt", copy], { stdio: "pipe" })
        else execFileSync(nomadProgram() ?? "", ["fmt", copy], { stdio: "pipe" })
        assert.strictEqual(readFileSync(join(manifests, name), "utf8"), readFileSync(copy, "utf8"), name)
      }
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

const run = promisify(execFile)

const decodePolicy = Schema.decodeUnknown(Schema.Struct({ policy: Schema.String }))
const decodeRole = Schema.decodeUnknown(
  Schema.Struct({ bound_claims: Schema.Unknown, token_no_default_policy: Schema.Boolean })
)
const decodeTune = Schema.decodeUnknown(Schema.Struct({ options: Schema.Struct({ version: Schema.String }) }))
