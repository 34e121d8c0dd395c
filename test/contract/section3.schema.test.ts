import { assert, describe, it } from "@effect/vitest"
import { Effect, Predicate } from "effect"
import { brokenRef } from "../../scripts/chaos/modelDriver.ts"
import { minimal } from "../domain/records.ts"
import type { HttpDesk } from "../server/httpDesk.ts"
import { alone, ended, field, namesOf, over, staged, strings, submitted } from "../server/httpScenes.ts"
import { record } from "../zoo/support/Stage.ts"

/** What `tools/list` says of a tool. */
const described = (desk: HttpDesk, name: string, path = "/mcp") =>
  Effect.map(desk.post(path, { jsonrpc: "2.0", id: 1, method: "tools/list" }), ({ json }) => {
    const tools = field(json, "result", "tools")
    return Array.isArray(tools) ? tools.find((tool) => field(tool, "name") === name) : undefined
  })

const published = [
  "owner",
  "repo_url",
  "git_ref",
  "git_credentials_path",
  "dockerfile_path",
  "dockerfile_context",
  "image_name",
  "image_tags",
  "registry_url",
  "registry_credentials_path",
  "test_commands",
  "test_entry_point",
  "resource_limits",
  "webhook_url",
  "webhook_secret",
  "webhook_on_success",
  "webhook_on_failure",
  "webhook_headers"
]

/** What the tool's handler knew and its schema did not offer, and the other way round. */
const missing = ["test", "clear_cache", "build_timeout", "deploy_dir"]

describe("the interface's section 3.3", () => {
  it.scoped("3.3: submitJob requires owner, repo_url, image_name and registry_url, and nothing else", () =>
    alone((desk) =>
      Effect.gen(function* () {
        const tool = yield* described(desk, "submitJob")
        assert.sameMembers(
          [...strings(field(tool, "inputSchema", "required"))],
          ["owner", "repo_url", "image_name", "registry_url"]
        )
      })
    )
  )

  it.scoped("3.3: submitJob offers every property that was ever published, each with a description", () =>
    alone((desk) =>
      Effect.gen(function* () {
        const properties = field(yield* described(desk, "submitJob"), "inputSchema", "properties")
        assert.includeMembers([...namesOf(properties)], [...published, ...missing])
        for (const name of namesOf(properties)) {
          const property = field(properties, name)
          assert.isTrue(Predicate.isRecord(property) && Predicate.isString(property["description"]), name)
          assert.notStrictEqual(field(property, "type"), "", name)
        }
      })
    )
  )

  it.scoped("3.3: git_ref and dockerfile_path say their defaults, and the credentials' paths have none", () =>
    alone((desk) =>
      Effect.gen(function* () {
        const properties = field(yield* described(desk, "submitJob"), "inputSchema", "properties")
        assert.match(JSON.stringify(field(properties, "git_ref")), /main/)
        assert.match(JSON.stringify(field(properties, "dockerfile_path")), /Dockerfile/)
        for (const name of ["git_credentials_path", "registry_credentials_path"]) {
          assert.notProperty(field(properties, name), "default")
        }
      })
    )
  )

  it.scoped("3.3: REST and the tool have one schema for a configuration", () =>
    alone((desk) =>
      Effect.gen(function* () {
        const tool = yield* described(desk, "submitJob")
        const document = (yield* desk.ask("/openapi.json")).json
        const rest = field(document, "components", "schemas", "BuildJob")
        const given = field(tool, "inputSchema")
        assert.deepStrictEqual(field(given, "required"), field(rest, "required"))
        // What goes with a submission in its place, and is no part of the configuration.
        const names = namesOf(field(given, "properties")).filter((name) => name !== "idempotency_key")
        assert.deepStrictEqual(names, namesOf(field(rest, "properties")))
        for (const name of names) {
          const described = (schema: unknown) => field(schema, "properties", name, "description")
          assert.strictEqual(described(given), described(rest), name)
        }
      })
    )
  )

  it.scoped("3.3: the handler takes all that the schema offers: nothing of a submission is silently dropped", () =>
    alone((desk, consul) =>
      Effect.gen(function* () {
        const given = {
          ...minimal,
          dockerfile_context: "app",
          clear_cache: true,
          build_timeout: "45m",
          deploy_dir: "./deploy",
          test: {
            commands: ["true"],
            timeout: "5m",
            gpu_required: true,
            gpu_count: 1,
            constraints: [{ attribute: "${attr.kernel.name}", operand: "=", value: "linux" }]
          }
        }
        const answer = yield* desk.post("/mcp", {
          jsonrpc: "2.0",
          id: 1,
          method: "tools/call",
          params: { name: "submitJob", arguments: given }
        })
        const id = String(field(answer.json, "result", "structuredContent", "job_id"))
        assert.strictEqual((yield* consul.get(`jobforge-service/jobs/${id}`))._tag, "Some")
        const { json } = yield* desk.ask(`/json/job/${id}/status`)
        assert.deepInclude(field(json, "config"), {
          dockerfile_context: "app",
          clear_cache: true,
          build_timeout: 2_700_000_000_000,
          deploy_dir: "./deploy"
        })
        assert.deepInclude(field(json, "config", "test"), {
          commands: ["true"],
          timeout: 300_000_000_000,
          gpu_required: true,
          gpu_count: 1
        })
        assert.lengthOf(Object(field(json, "config", "test", "constraints")), 1)
      })
    )
  )
})

describe("the interface's section 3.2, besides the tools", () => {
  it.scopedLive("3.2: purgeFailedJob has a twin in REST, with the same words", () =>
    staged((desk) =>
      Effect.gen(function* () {
        const id = yield* ended(desk, record("broken", { git_ref: brokenRef }))
        for (const path of ["/json/purgeFailedJob", "/mcp/purgeFailedJob"]) {
          const { json, status } = yield* desk.post(path, { job_id: id })
          assert.strictEqual(status, 200)
          assert.deepInclude(json, {
            job_id: id,
            success: true,
            message: `Job ${id} purged successfully from Nomad`
          })
        }
      })
    )
  )

  it.scopedLive("3.2: getHistory lists ten jobs where it is not told how many", () =>
    staged((desk) =>
      Effect.gen(function* () {
        const records = Array.from({ length: 11 }, (_, at) => record(`image-${at}`))
        const ids = yield* Effect.forEach(records, (one) => submitted(desk, one))
        yield* Effect.forEach(ids, (id) => over(desk, id))
        const { json } = yield* desk.post("/json", { jsonrpc: "2.0", id: 1, method: "getHistory" })
        assert.lengthOf(Object(field(json, "result", "jobs")), 10)
        assert.strictEqual(field(json, "result", "total"), 11)
      })
    )
  )
})
