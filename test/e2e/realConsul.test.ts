import { randomUUID } from "node:crypto"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Effect, Exit, Redacted, Schema, Scope } from "effect"
import { consulProgram, startRealConsul } from "../support/RealConsul.ts"
import { Installation } from "./support/Installation.ts"
import { busybox, makeRepository } from "./support/repositories.ts"
import { missingPrograms, titled } from "./support/requirements.ts"

const program = consulProgram()
const skipped = missingPrograms.length > 0 || program === undefined
const title =
  program === undefined
    ? "jobforge dev with a real Consul (skipped: no consul on the PATH and no CONSUL_BIN)"
    : titled("jobforge dev with a real Consul")

const rights = (jobs: "read" | "deny"): string => `
key_prefix "jobforge-service/" { policy = "write" }
key_prefix "jobforge-service/jobs/" { policy = "${jobs}" }
session_prefix "" { policy = "write" }
agent_prefix "" { policy = "read" }
node_prefix "" { policy = "read" }
`

describe.skipIf(skipped)(title, () => {
  const master = randomUUID()
  const scope = Effect.runSync(Scope.make())
  let address = ""
  let policy = ""
  let dev: Installation

  const acl = async (path: string, body: object): Promise<unknown> => {
    const response = await fetch(`${address}/v1/acl/${path}`, {
      method: "PUT",
      headers: { "X-Consul-Token": master },
      body: JSON.stringify(body)
    })
    if (!response.ok) throw new Error(`acl ${path}: ${response.status} ${await response.text()}`)
    return response.json()
  }

  const grant = async (jobs: "read" | "deny"): Promise<void> => {
    const answer = await acl(policy === "" ? "policy" : `policy/${policy}`, { Name: "jobforge", Rules: rights(jobs) })
    policy = Schema.decodeUnknownSync(Schema.Struct({ ID: Schema.String }))(answer).ID
  }

  beforeAll(async () => {
    const settings = { acl: { enabled: true, default_policy: "deny", tokens: { master } } }
    const consul = await Effect.runPromise(Scope.extend(startRealConsul(program ?? "", settings, master), scope))
    address = consul.address
    await grant("read")
    const answer = await acl("token", { Policies: [{ ID: policy }] })
    const token = Schema.decodeUnknownSync(Schema.Struct({ SecretID: Schema.String }))(answer).SecretID
    dev = await Installation.start(
      { environment: { CONSUL_HTTP_ADDR: address, CONSUL_HTTP_TOKEN: token } },
      { origin: address, token: Redacted.make(master) }
    )
  }, 180_000)

  afterAll(async () => {
    await dev?.stop()
    await Effect.runPromise(Scope.close(scope, Exit.void))
  }, 60_000)

  it(
    "cancels nothing when its token loses the right to read records while builds run",
    { timeout: 180_000 },
    async () => {
      const Dockerfile = `${busybox}\nRUN sleep 12\nENTRYPOINT ["/bin/true"]\n`
      const names = ["one", "two"]
      for (const name of names) {
        const repository = makeRepository(join(dev.folder, "repositories", name), { Dockerfile })
        await dev.put(name, {
          owner: "e2e",
          repo_url: repository,
          image_name: `e2e/${name}`,
          registry_url: dev.registry
        })
      }
      for (const name of names) await dev.until(name, "building", ({ status }) => status === "BUILDING")
      await grant("deny")
      await pause(4000)
      for (const name of names) {
        const status = await dev.until(name, "still there", () => true)
        assert.strictEqual(status.status, "BUILDING")
        assert.isUndefined(status.stopping)
      }
      await grant("read")
      for (const name of names) {
        const status = await dev.ended(name)
        assert.strictEqual(status.status, "SUCCEEDED", status.error)
        assert.lengthOf(status.attempts, 1)
      }
    }
  )
})
