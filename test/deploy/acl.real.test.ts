import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { findPrograms } from "../../scripts/cluster/programs.ts"
import { type GitServer, startGitServer } from "../jobspec/GitServer.ts"
import { consulToken, fieldOf, startAclLab, until } from "./AclLab.ts"
import { Deployed, makeApp, rulesOf } from "./Deployed.ts"
import { secretsSuite } from "./secretsSuite.ts"

const { missing, partly, programs } = findPrograms()
const title = "the service as a Nomad job, where Consul and Nomad deny what nobody allowed"

/** The call that each rule is for. */
const deniedWithout: Readonly<Record<string, string>> = {
  "list-jobs": "nomad job.list",
  "read-job": "nomad events",
  "submit-job": "nomad job.register",
  "read-fs": "nomad file.read",
  'host_volume "buildah-cache"': "nomad job.register",
  'key_prefix "jobforge-service/"': "consul watch.kv.get",
  'session_prefix ""': "consul session.create",
  'service "jobforge-candidate"': "consul service.register"
}

/** What whoever looks at jobs needs. */
const looking = ["GET jobs/x", "GET status/x", "GET archive/jobs/x", "GET logs/x", "GET log-index/x"]

/** What nobody needs but operators, and `jobforge sync`. */
const operators = ["GET config/auth_tokens", "PUT config/auth_tokens", "PUT managed/x"]

describe.skipIf(programs === undefined)(
  programs === undefined ? `${title} (missing: ${missing.join("; ")})` : title,
  () => {
    const folder = mkdtempSync(join(tmpdir(), "jobforge-acl-"))
    const gitToken = "a-token-of-the-git-server"
    let git: GitServer
    let guardedGit: GitServer
    let deployed: Deployed
    let image = ""

    beforeAll(async () => {
      if (programs === undefined) return
      const lab = await startAclLab(join(folder, "engines"), programs)
      git = await startGitServer(folder)
      guardedGit = await startGitServer(folder, gitToken)
      deployed = new Deployed(lab, folder, `${git.url}/app.git`)
      await makeApp(folder)
      image = await deployed.provideImage()
      await deployed.run(image)
    }, 600_000)

    afterAll(async () => {
      await git?.stop()
      await guardedGit?.stop()
      await deployed?.lab.stop()
      rmSync(folder, { recursive: true, force: true })
    }, 120_000)

    it("comes up three times, each in the catalog with its checks passing, and its metrics with their path", async () => {
      const { consul } = deployed.lab
      await until("three replicas pass their checks", 60, async () => (await deployed.instances()).length === 3)
      await until(
        "their metrics do",
        60,
        async () => (await deployed.instances("jobforge-service-metrics")).length === 3
      )
      const metrics = await consul.ask("GET", "/v1/catalog/service/jobforge-service-metrics", { token: consul.token })
      assert.strictEqual(metrics.text.split('"metrics_path":"/metrics"').length, 4)
    }, 130_000)

    it("takes a job through build, test and publish, and nothing is denied", async () => {
      const ended = await deployed.ended(await deployed.submit("first"))
      assert.strictEqual(ended.status, "SUCCEEDED", ended.error)
      assert.deepStrictEqual([...(await deployed.denials())], [])
    }, 130_000)

    it("ends all jobs right whose leader was killed while they were built", async () => {
      const ids = await Promise.all(["a", "b", "c", "d"].map((name) => deployed.submit(`killed-${name}`)))
      const client = await deployed.client()
      await until("one is being built", 30, async () => (await client.getStatus(ids[0] ?? "")).status === "BUILDING")
      const killed = await deployed.killLeader()
      await until("another leads", 30, async () => {
        const leader = await deployed.leader()
        return leader !== undefined && leader !== killed
      })
      const states = await Promise.all(ids.map((id) => deployed.ended(id)))
      assert.deepStrictEqual(
        states.map(({ status }) => status),
        ["SUCCEEDED", "SUCCEEDED", "SUCCEEDED", "SUCCEEDED"]
      )
      await until("there are three again", 90, async () => (await deployed.instances()).length === 3)
    }, 300_000)

    secretsSuite(programs?.vault === undefined ? partly.find((what) => what.includes("vault")) : undefined, () => ({
      deployed,
      folder,
      guardedRepository: `${guardedGit.url}/app.git`,
      gitToken
    }))

    describe.each(rulesOf("manifests/nomad/service.policy.hcl"))(
      "without $rule in Nomad's policy",
      ({ rule, without }) => {
        it("is denied what it needs, and goes on by itself once it is allowed", async () => {
          const path = join(folder, "reduced.hcl")
          const apply = (file: string): Promise<string> => {
            const job = ["-namespace", "default", "-job", "jobforge", "jobforge-service", file]
            return deployed.lab.nomad.run("acl", "policy", "apply", ...job)
          }
          writeFileSync(path, without)
          const before = await deployed.denials()
          await apply(path)
          try {
            const id = await deployed.submit(`without-${rule.replace(/\W+/g, "-").replace(/-$/, "")}`)
            await deployed.kv("PUT", `jobforge-service/requests/${id}`, deployed.lab.consul.token, '{"verb":"collect"}')
            await isDenied(deniedWithout[rule], before)
            if (rule === "submit-job") {
              const client = await deployed.client()
              await until("the job's status tells it", 30, async () =>
                /denied/i.test(JSON.stringify((await client.getStatus(id)).conditions))
              )
            }
            await apply("manifests/nomad/service.policy.hcl")
            assert.strictEqual((await deployed.ended(id)).status, "SUCCEEDED")
          } finally {
            await apply("manifests/nomad/service.policy.hcl")
          }
        }, 240_000)
      }
    )

    describe.each(rulesOf("manifests/consul/service.policy.hcl").filter(({ rule }) => !/config|managed/.test(rule)))(
      "without $rule in Consul's policy",
      ({ rule, without }) => {
        it("is denied what it needs", async () => {
          const { consul } = deployed.lab
          const apply = (rules: string): Promise<string> =>
            consul.run("acl", "policy", "update", "-name", "jobforge-service", "-no-merge", "-rules", rules)
          const path = join(folder, "reduced.hcl")
          writeFileSync(path, without)
          const before = await deployed.denials()
          await apply(`@${path}`)
          try {
            await deployed.killLeader()
            await isDenied(deniedWithout[rule], before)
          } finally {
            await apply("@manifests/consul/service.policy.hcl")
          }
          await until("there are three again, and one leads", 90, async () => {
            return (await deployed.instances()).length === 3 && (await deployed.leader()) !== undefined
          })
          const ended = await deployed.ended(await deployed.submit("again"))
          assert.strictEqual(ended.status, "SUCCEEDED", ended.error)
        }, 240_000)
      }
    )

    describe.each([
      {
        who: "jobforge-submitter",
        may: ["PUT jobs/x", "PUT requests/x", "PUT idempotency/x", "PUT confidential/x", "GET slots/x"].concat(looking),
        mayNot: [
          "PUT status/x",
          "PUT slots/x",
          "PUT archive/jobs/x",
          "PUT logs/x",
          "PUT leader",
          "GET outbox/x"
        ].concat(operators)
      },
      {
        who: "jobforge-reader",
        may: looking,
        mayNot: ["PUT jobs/x", "PUT requests/x", "PUT status/x", "GET confidential/x", "GET requests/x"].concat(
          operators
        )
      },
      {
        who: "jobforge-gitops",
        may: ["PUT jobs/x", "PUT managed/x"],
        mayNot: ["PUT requests/x", "PUT status/x", "GET confidential/x", "GET logs/x", "GET config/x", "PUT config/x"]
      },
      {
        who: "jobforge-service",
        may: ["PUT jobs/x", "PUT status/x", "PUT outbox/x", "GET config/x", "GET confidential/x"],
        mayNot: ["PUT config/auth_tokens", "GET managed/x", "PUT managed/x"]
      }
    ])("a token with Consul's policy $who", ({ may, mayNot, who }) => {
      it("may what it is for, and no more", async () => {
        const token = await consulToken(deployed.lab.consul, who)
        const statusOf = async (line: string, prefix = "jobforge-service/"): Promise<string> => {
          const [method = "", key = ""] = line.split(" ")
          // A value that makes no run: an end of what was never begun.
          const body = method === "PUT" ? { body: "{}" } : {}
          const { status } = await deployed.lab.consul.ask(method, `/v1/kv/${prefix}${key}`, { token, ...body })
          return `${line} ${status === 403 ? "denied" : "allowed"}`
        }
        const seen = await Promise.all([...may, ...mayNot].map((line) => statusOf(line)))
        assert.deepStrictEqual(seen, [
          ...may.map((line) => `${line} allowed`),
          ...mayNot.map((line) => `${line} denied`)
        ])
        assert.strictEqual(await statusOf("PUT x", "elsewhere/"), "PUT x denied")
        const service = JSON.stringify({ Name: "web" })
        const registered = await deployed.lab.consul.ask("PUT", "/v1/agent/service/register", { token, body: service })
        assert.strictEqual(registered.status, 403)
        await deployed.lab.consul.ask("DELETE", "/v1/kv/jobforge-service/jobs/x", { token: deployed.lab.consul.token })
      })
    })

    it("has no right in Nomad beyond its own steps", async () => {
      const { ask, token } = deployed.lab.nomad
      const body = JSON.stringify({ Name: "as the service", Type: "client", Policies: ["jobforge-service"] })
      const made = await ask("PUT", "/v1/acl/token", { token, body })
      const its = { token: fieldOf(made.text, "SecretID") }
      const statuses = async (lines: ReadonlyArray<string>): Promise<ReadonlyArray<number>> =>
        Promise.all(
          lines.map(async (line) => {
            const [method = "", path = ""] = line.split(" ")
            return (await ask(method, path, its)).status
          })
        )
      assert.deepStrictEqual(await statuses(["GET /v1/jobs", "GET /v1/job/jobforge/allocations"]), [200, 200])
      const refused = [
        "GET /v1/nodes",
        "PUT /v1/system/gc",
        "GET /v1/agent/self",
        "GET /v1/acl/tokens",
        "GET /v1/var/x"
      ]
      assert.deepStrictEqual(
        (await statuses(refused)).filter((status) => status === 200),
        []
      )
      const nobody = await ask("GET", "/v1/jobs")
      assert.strictEqual(nobody.status, 403)
    })

    it("is updated one replica at a time while jobs run, and with AUTH_MODE=consul goes by the callers' own tokens", async () => {
      const running = await deployed.submit("updated")
      const [ended] = await Promise.all([deployed.ended(running), deployed.run(image, { AUTH_MODE: "consul" })])
      assert.strictEqual(ended.status, "SUCCEEDED", ended.error)
      await until("three replicas pass their checks", 60, async () => (await deployed.instances()).length === 3)
      const submitter = await consulToken(deployed.lab.consul, "jobforge-submitter")
      const reader = await consulToken(deployed.lab.consul, "jobforge-reader")
      const id = await deployed.submit("own", submitter)
      assert.strictEqual((await deployed.ended(id, submitter)).status, "SUCCEEDED")
      assert.strictEqual((await (await deployed.client(reader)).getStatus(id)).status, "SUCCEEDED")
      for (const token of [reader, undefined]) {
        const refused = await deployed.submit("refused", token).then(() => "taken", String)
        assert.match(refused, /denied|may not|token/i)
      }
    }, 400_000)

    /** Waits until a replica was denied the call more often than before. */
    const isDenied = async (call: string | undefined, before: ReadonlyMap<string, number>): Promise<void> => {
      let denied: ReadonlyArray<string> = []
      const known = `${call} is denied`
      await until(known, 60, async () => {
        const now = [...(await deployed.denials())].filter(([label, count]) => count > (before.get(label) ?? 0))
        denied = now.map(([label]) => label.split(" ").slice(1).join(" "))
        return call !== undefined && denied.includes(call)
      }).catch(() => assert.fail(`${known}, was expected; denied were: ${denied.join(", ")}`))
    }
  }
)
