import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { minimal } from "../domain/records.ts"
import type { HttpDesk } from "../server/httpDesk.ts"
import { alone, errorOf, field, strings } from "../server/httpScenes.ts"

const secret = { path: "secret/data/app", fields: { token: "TOKEN" } }
const other = { path: "secret/data/other", fields: { user: "OTHER_USER", password: "OTHER_PASSWORD" } }

const withSecrets = (...secrets: ReadonlyArray<object>) => ({
  ...minimal,
  test: { commands: ["true"], vault_policies: ["app"], vault_secrets: secrets }
})

const without = (name: string) => Object.fromEntries(Object.entries(minimal).filter(([key]) => key !== name))

/** The tags are those that the image gets beside the job's own. */
const valid: ReadonlyArray<readonly [string, object, ReadonlyArray<string>]> = [
  ["the four required fields alone", minimal, []],
  ["tags as a list", { ...minimal, image_tags: ["latest", "v1.2.3"] }, ["latest", "v1.2.3"]],
  ["an empty list of tags", { ...minimal, image_tags: [] }, []],
  ["one tag as a JSON array in a text", { ...minimal, image_tags: '["latest"]' }, ["latest"]],
  ["two tags as a JSON array in a text", { ...minimal, image_tags: '["latest","v1"]' }, ["latest", "v1"]],
  ["three tags as a JSON array in a text", { ...minimal, image_tags: '["a", "b", "c"]' }, ["a", "b", "c"]],
  ["the single tag latest as a text", { ...minimal, image_tags: "latest" }, ["latest"]],
  ["the single tag v1.2.3 as a text", { ...minimal, image_tags: "v1.2.3" }, ["v1.2.3"]],
  ["policies without secrets", { ...minimal, test: { commands: ["true"], vault_policies: ["app"] } }, []],
  ["two secrets", withSecrets(secret, other), []],
  [
    "a Dockerfile in a folder with that folder as its context",
    { ...minimal, dockerfile_path: "myapp/Dockerfile", dockerfile_context: "myapp/" },
    []
  ]
]

const invalid: ReadonlyArray<readonly [string, object, string]> = [
  ...["owner", "repo_url", "image_name", "registry_url"].map(
    (name) => [`${name} missing`, without(name), `${name} is required`] as const
  ),
  ...["owner", "repo_url", "git_ref", "dockerfile_path", "image_name", "registry_url"].map(
    (name) => [`${name} empty`, { ...minimal, [name]: "" }, `${name} is required`] as const
  ),
  [
    "secrets without policies",
    { ...minimal, test: { commands: ["true"], vault_secrets: [secret] } },
    "vault_policies is required when vault_secrets are specified"
  ],
  ["a secret with an empty path", withSecrets({ ...secret, path: "" }), "vault_secrets[0]: path is required"],
  [
    "a secret with empty fields",
    withSecrets(secret, { ...other, fields: {} }),
    "vault_secrets[1]: fields map cannot be empty"
  ],
  [
    "a secret whose field has no name",
    withSecrets({ ...secret, fields: { "": "TOKEN" } }),
    "vault_secrets[0]: invalid field mapping (empty field or env var)"
  ],
  [
    "a secret's field without a variable",
    withSecrets({ ...secret, fields: { token: "" } }),
    "vault_secrets[0]: invalid field mapping (empty field or env var)"
  ],
  [
    "the context ../etc/passwd",
    { ...minimal, dockerfile_context: "../etc/passwd" },
    "dockerfile_context cannot contain '..' (path traversal)"
  ],
  [
    "the context /absolute/path",
    { ...minimal, dockerfile_context: "/absolute/path" },
    "dockerfile_context must be a relative path"
  ]
]

const callSubmit = (desk: HttpDesk, path: string, config: object) =>
  desk.post(path, { jsonrpc: "2.0", id: 1, method: "submitJob", params: config })

describe("the interface's Appendix B, configurations", () => {
  for (const [title, config, tags] of valid) {
    it.scoped(`Appendix B: valid over REST and JSON-RPC: ${title}`, () =>
      alone((desk) =>
        Effect.gen(function* () {
          const answers = [
            (yield* desk.post("/json/submitJob", { job_config: config })).json,
            field((yield* callSubmit(desk, "/json", config)).json, "result"),
            field((yield* callSubmit(desk, "/mcp", config)).json, "result")
          ]
          for (const answer of answers) {
            assert.strictEqual(field(answer, "status"), "PENDING")
            const id = String(field(answer, "job_id"))
            const { json } = yield* desk.ask(`/json/job/${id}/status`)
            assert.deepStrictEqual(strings(field(json, "config", "image_tags")), [id, ...tags])
          }
        })
      )
    )
  }

  for (const [title, config, message] of invalid) {
    it.scoped(`Appendix B: invalid over REST and JSON-RPC: ${title}`, () =>
      alone((desk, consul) =>
        Effect.gen(function* () {
          const rest = yield* desk.post("/json/submitJob", { job_config: config })
          assert.strictEqual(rest.status, 400)
          assert.deepStrictEqual(errorOf(rest), {
            error: "Job configuration validation failed",
            code: 400,
            details: message
          })
          for (const path of ["/json", "/mcp"]) {
            const { json } = yield* callSubmit(desk, path, config)
            assert.deepStrictEqual(field(json, "error"), {
              code: -32_602,
              message: "Job configuration validation failed",
              data: message
            })
          }
          assert.deepStrictEqual((yield* consul.keys("jobforge-service/jobs/")).value, [])
        })
      )
    )
  }

  it.scoped("Appendix B: the statuses are PENDING, BUILDING, TESTING, PUBLISHING, SUCCEEDED and FAILED", () =>
    alone((desk) =>
      Effect.gen(function* () {
        const document = (yield* desk.ask("/openapi.json")).json
        const schema = field(document, "components", "schemas", "JobState", "properties", "status", "enum")
        assert.deepStrictEqual(schema, ["PENDING", "BUILDING", "TESTING", "PUBLISHING", "SUCCEEDED", "FAILED"])
      })
    )
  )
})
