import { AjvJsonSchemaValidator } from "@modelcontextprotocol/client/validators/ajv"
import { assert, describe, it } from "@effect/vitest"
import { Predicate } from "effect"
import { decodeInput } from "../../src/domain/decodeRecord.ts"
import { tools } from "../../src/server/rpc/tools.ts"
import { record } from "../zoo/support/Stage.ts"

const validator = new AjvJsonSchemaValidator()

const isSchema = validator.getValidator({ $ref: "https://json-schema.org/draft/2020-12/schema" })

/** What a schema accepts; one that breaks its own specification, or refers to what isn't there, throws. */
const check = (schema: object) => {
  const { errorMessage, valid } = isSchema(schema)
  if (!valid) throw new Error(errorMessage)
  return validator.getValidator({ ...schema })
}

const named = (name: string) => tools.find((tool) => tool.name === name) ?? assert.fail(`no tool ${name}`)

const propertiesOf = (schema: object): ReadonlyArray<string> =>
  "properties" in schema && Predicate.isRecord(schema.properties) ? Object.keys(schema.properties) : []

describe("the tools' schemas", () => {
  it("are refused by the check that they pass when they are wrong", () => {
    assert.throws(() => check({ type: "" }))
    assert.throws(() => check({ type: "object", properties: { a: { $ref: "#/$defs/missing" } } }))
  })

  for (const { description, inputSchema, name, outputSchema, title } of tools) {
    it(`${name}: has a description, an input schema of JSON Schema 2020-12 with type object and properties, and an output schema`, () => {
      assert.isAbove(description.length, 40)
      assert.isNotEmpty(title)
      for (const schema of [inputSchema, outputSchema]) {
        assert.containSubset(schema, { $schema: "https://json-schema.org/draft/2020-12/schema", type: "object" })
        assert.isNotEmpty(propertiesOf(schema))
        check(schema)
      }
    })

    it(`${name}: describes each of its arguments`, () => {
      const properties: unknown = "properties" in inputSchema ? inputSchema.properties : {}
      for (const [field, schema] of Object.entries(Predicate.isRecord(properties) ? properties : {})) {
        assert.isTrue(Predicate.isRecord(schema) && Predicate.isString(schema["description"]), field)
      }
    })
  }

  it("say which tools only read, and which destroy", () => {
    const those = (hint: "readOnlyHint" | "destructiveHint") =>
      tools.filter(({ annotations }) => annotations[hint]).map(({ name }) => name)
    assert.deepStrictEqual(those("readOnlyHint"), [
      "getHistory",
      "getLogs",
      "getStatus",
      "waitForJob",
      "diagnoseJob",
      "listJobs"
    ])
    assert.deepStrictEqual(those("destructiveHint"), ["cleanup", "killJob", "purgeFailedJob", "cleanupZombies"])
  })

  it("submitJob: requires the four fields, and has all that were ever published", () => {
    const { inputSchema } = named("submitJob")
    assert.containSubset(inputSchema, { required: ["owner", "repo_url", "image_name", "registry_url"] })
    assert.includeMembers(
      [...propertiesOf(inputSchema)],
      [
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
    )
  })

  it("submitJob: accepts what the service accepts, and refuses what it refuses", () => {
    const accepts = check(named("submitJob").inputSchema)
    const configurations: ReadonlyArray<readonly [object, boolean]> = [
      [record("web"), true],
      [record("web", { image_tags: [] }), true],
      [record("web", { image_tags: '["a","b","c"]' }), true],
      [record("web", { image_tags: "v1.2.3" }), true],
      [record("web", { dockerfile_path: "myapp/Dockerfile", dockerfile_context: "myapp/" }), true],
      [record("web", { test: { commands: ["true"], timeout: "5m" }, build_timeout: 1_800_000_000_000 }), true],
      [record("web", { resource_limits: { cpu: "2000", build: { memory: "4096" } } }), true],
      [record("web", { owner: "" }), false],
      [record("web", { image_name: "Web" }), false],
      [record("web", { colour: "red" }), false],
      [record("web", { clear_cache: "yes" }), false],
      [record("web", { test: { commands: "true" } }), false],
      [{ owner: "zoo" }, false]
    ]
    for (const [configuration, valid] of configurations) {
      assert.strictEqual(accepts(configuration).valid, valid, JSON.stringify(configuration))
      assert.strictEqual(decodeInput(configuration)._tag === "Right", valid, JSON.stringify(configuration))
    }
  })

  it("waitForJob: waits at most ten minutes", () => {
    const accepts = check(named("waitForJob").inputSchema)
    assert.isTrue(accepts({ job_id: "a", timeout_seconds: 600 }).valid)
    assert.isFalse(accepts({ job_id: "a", timeout_seconds: 601 }).valid)
    assert.isFalse(accepts({ timeout_seconds: 1 }).valid)
  })
})
