import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import type { JobInput } from "../../src/api/Requests.ts"
import { fieldOf } from "./AclLab.ts"
import { type Deployed, rulesOf } from "./Deployed.ts"

/** What the lab of these tests must have beside its engines. */
export interface SecretsScene {
  readonly deployed: Deployed
  readonly folder: string
  /** The same repository for who brings the token, and nobody else. */
  readonly guardedRepository: string
  readonly gitToken: string
}

/** The service's own Vault block and that of its steps, on a deployment where nobody has a token but by its identity. */
export const secretsSuite = (skipped: string | undefined, scene: () => SecretsScene): void => {
  describe.skipIf(skipped !== undefined)(
    skipped === undefined ? "with Vault" : `with Vault (missing: ${skipped})`,
    () => {
      const password = "a-password-of-the-database"

      /** Each job has secrets of its own: what the service has once read it remembers. */
      const submit = async (name: string, fields: Partial<JobInput> = {}): Promise<string> => {
        const { deployed, gitToken, guardedRepository } = scene()
        const vault = await vaultOf(scene())
        const login = await vault.put(`git-of-${name}`, { username: "x-access-token", password: gitToken })
        const database = await vault.put(`database-of-${name}`, { password })
        const job: JobInput = {
          ...deployed.job(name),
          repo_url: guardedRepository,
          git_credentials_path: login,
          test: {
            entry_point: true,
            vault_policies: ["jobforge-jobs"],
            vault_secrets: [{ path: database, fields: { password: "DB_PASSWORD" } }]
          },
          ...fields
        }
        return (await (await deployed.client()).submitJob(job)).job_id
      }

      const without = async (policy: string, rules: string, body: () => Promise<void>): Promise<void> => {
        const vault = await vaultOf(scene())
        const path = join(scene().folder, "reduced.hcl")
        writeFileSync(path, rules)
        await vault.run("policy", "write", policy, path)
        try {
          await body()
        } finally {
          await vault.run("policy", "write", policy, `manifests/vault/${policy}.policy.hcl`)
        }
      }

      it("each replica finds Vault healthy, and has a token by its identity, with the service's policy alone", async () => {
        const { deployed } = scene()
        for (const url of await deployed.instances()) {
          assert.include(await fetch(`${url}/health`).then((answer) => answer.text()), '"vault":"healthy"')
        }
        const own = (await tokens(scene())).filter((token) => fieldOf(token, "nomad_job_id") === "jobforge")
        assert.isAtLeast(own.length, 3)
        for (const token of own) assert.deepStrictEqual(policiesOf(token), ["jobforge-service"])
      })

      it("refuses a job whose secret isn't there, with the field and the path", async () => {
        const path = "secret/data/nomad/jobs/nobody"
        const refused = await submit("missing", { git_credentials_path: path }).then(() => "taken", String)
        assert.include(refused, "git_credentials_path")
        assert.include(refused, path)
      })

      it("takes one whose secrets are there; its steps have them by their own identities, and no log has them", async () => {
        const { deployed } = scene()
        const id = await submit("secrets")
        const ended = await deployed.ended(id)
        assert.strictEqual(ended.status, "SUCCEEDED", ended.error)
        assert.deepStrictEqual(await tested(deployed, id), ["[main/stdout] tested with [redacted]."])
        const steps = (await tokens(scene())).filter((token) => /^(build|test)-/.test(fieldOf(token, "nomad_job_id")))
        assert.isAtLeast(steps.length, 2)
        for (const token of steps) assert.deepStrictEqual(policiesOf(token), ["jobforge-jobs"])
      }, 130_000)

      const ofService = rulesOf("manifests/vault/jobforge-service.policy.hcl")
      const ofJobs = rulesOf("manifests/vault/jobforge-jobs.policy.hcl")
      const missing = (rules: typeof ofJobs, words: string): string =>
        rules.find(({ rule }) => rule.includes(words))?.without ?? assert.fail(`no rule for ${words}`)

      it("without the service's right to metadata, a job whose secret isn't there is taken, and fails by it", async () => {
        const rules = missing(ofService, "secret/metadata")
        await without("jobforge-service", rules, async () => {
          const id = await submit("unseen", { git_credentials_path: "secret/data/nomad/jobs/nobody" })
          await failsBy(scene().deployed, id, /Missing: vault\.read\(secret\/data\/nomad\/jobs\/nobody\)/)
        })
      }, 130_000)

      it("without its right to values, it says that it could not look for them in the logs", async () => {
        await without("jobforge-service", missing(ofService, "secret/data"), async () => {
          const { deployed } = scene()
          const id = await submit("unread")
          const ended = await deployed.ended(id)
          assert.strictEqual(ended.status, "SUCCEEDED", ended.error)
          assert.include(JSON.stringify(ended), "without a look for the values of secret/data/nomad/jobs/")
        })
      }, 130_000)

      it("without the steps' right to values, the build fails by it, and the path is named", async () => {
        await without("jobforge-jobs", missing(ofJobs, "secret/data"), async () => {
          const id = await submit("forbidden")
          await failsBy(scene().deployed, id, /Missing: vault\.read\(secret\/data\/nomad\/jobs\/git-of-forbidden\)/)
        })
      }, 130_000)

      it("without their right to renew their token, Nomad gives them none", async () => {
        await without("jobforge-jobs", missing(ofJobs, "renew-self"), async () => {
          const id = await submit("unrenewed")
          await failsBy(scene().deployed, id, /Vault has not answered/)
        })
      }, 130_000)

      it("has no rule but those", () => {
        assert.deepStrictEqual(
          ofJobs.map(({ rule }) => rule),
          ['path "secret/data/nomad/jobs/*"', 'path "auth/token/renew-self"']
        )
      })
    }
  )
}

const vaultOf = async ({ deployed }: SecretsScene) => deployed.lab.vault ?? assert.fail("the lab has no Vault")

/** What Vault has of each token that one of Nomad's workloads logged in for. */
const tokens = async (scene: SecretsScene): Promise<ReadonlyArray<string>> => {
  const vault = await vaultOf(scene)
  const accessors = await vault.run("list", "-format=json", "auth/token/accessors")
  const seen = [...accessors.matchAll(/"(\S+)"/g)].map(([, accessor = ""]) =>
    vault.run("token", "lookup", "-format=json", "-accessor", accessor).catch(() => "")
  )
  return (await Promise.all(seen)).filter((token) => token.includes('"nomad_job_id"'))
}

const policiesOf = (token: string): ReadonlyArray<string> => {
  const list = /"policies": \[([^\]]*)\]/.exec(token)?.[1] ?? ""
  return [...list.matchAll(/"([^"]*)"/g)].map(([, name = ""]) => name)
}

const tested = async (deployed: Deployed, id: string): Promise<ReadonlyArray<string>> => {
  const { logs } = await (await deployed.client()).getLogs(id)
  return logs.test.filter((line) => line.includes("tested"))
}

const failsBy = async (deployed: Deployed, id: string, words: RegExp): Promise<void> => {
  const { error = "", reason, status } = await deployed.ended(id)
  assert.deepStrictEqual({ status, reason }, { status: "FAILED", reason: "SecretUnavailable" })
  assert.match(error, words)
}
