import { assert, describe, it } from "@effect/vitest"
import { Either, FastCheck as fc, Predicate } from "effect"
import { decodeInput } from "../../src/domain/decodeRecord.ts"
import { jobJsonSchema, recordJsonSchema } from "../../src/domain/jsonSchema.ts"
import { RecordFields } from "../../src/domain/RecordFields.ts"
import { validJob } from "./arbitraries.ts"
import { minimal } from "./records.ts"

type Json = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Json => Predicate.isRecord(value) && !Array.isArray(value)

const object = (value: unknown): Json => (isObject(value) ? value : {})
const list = (value: unknown): ReadonlyArray<unknown> => (Array.isArray(value) ? value : [])

const types: Readonly<Record<string, (value: unknown) => boolean>> = {
  object: isObject,
  array: Array.isArray,
  string: Predicate.isString,
  boolean: Predicate.isBoolean,
  integer: Number.isInteger,
  null: Predicate.isNull
}

/** Each keyword of JSON Schema that the generated schemas use; an unlisted one fails the test that walks them. */
const keywords: Readonly<Record<string, (rule: unknown, value: unknown, schema: Json, root: Json) => boolean>> = {
  $schema: () => true,
  $defs: () => true,
  description: () => true,
  default: () => true,
  examples: (rule, _, schema, root) => {
    const { examples: _examples, ...others } = schema
    return list(rule).every((example) => accepts(others, example, root))
  },
  $ref: (rule, value, _, root) =>
    accepts(object(object(root["$defs"])[String(rule).replace("#/$defs/", "")]), value, root),
  type: (rule, value) => types[String(rule)]?.(value) ?? false,
  enum: (rule, value) => list(rule).includes(value),
  const: (rule, value) => rule === value,
  not: (rule, value, _, root) => !accepts(object(rule), value, root),
  anyOf: (rule, value, _, root) => list(rule).some((member) => accepts(object(member), value, root)),
  allOf: (rule, value, _, root) => list(rule).every((member) => accepts(object(member), value, root)),
  pattern: (rule, value) => !Predicate.isString(value) || new RegExp(String(rule), "u").test(value),
  minLength: (rule, value) => !Predicate.isString(value) || Array.from(value).length >= Number(rule),
  maxLength: (rule, value) => !Predicate.isString(value) || Array.from(value).length <= Number(rule),
  minimum: (rule, value) => !Predicate.isNumber(value) || value >= Number(rule),
  maximum: (rule, value) => !Predicate.isNumber(value) || value <= Number(rule),
  maxItems: (rule, value) => list(value).length <= Number(rule),
  items: (rule, value, _, root) => list(value).every((item) => accepts(object(rule), item, root)),
  maxProperties: (rule, value) => Object.keys(object(value)).length <= Number(rule),
  required: (rule, value) => list(rule).every((key) => Object.hasOwn(object(value), String(key))),
  properties: (rule, value, _, root) =>
    Object.entries(object(rule)).every(
      ([key, member]) => !Object.hasOwn(object(value), key) || accepts(object(member), object(value)[key], root)
    ),
  patternProperties: (rule, value, _, root) =>
    Object.entries(object(rule)).every(([pattern, member]) =>
      Object.entries(object(value)).every(
        ([key, child]) => !new RegExp(pattern, "u").test(key) || accepts(object(member), child, root)
      )
    ),
  propertyNames: (rule, value, _, root) => Object.keys(object(value)).every((key) => accepts(object(rule), key, root)),
  additionalProperties: (rule, value, schema) =>
    rule === false && Object.keys(object(value)).every((key) => Object.hasOwn(object(schema["properties"]), key))
}

const accepts = (schema: Json, value: unknown, root: Json): boolean =>
  Object.entries(schema).every(([keyword, rule]) => keywords[keyword]?.(rule, value, schema, root) ?? false)

const job: Json = { ...jobJsonSchema }
const record: Json = { ...recordJsonSchema }

const faultless = (value: unknown): boolean => Either.isRight(decodeInput(value))

/** The schema of a member, its own members, and so on. */
const members = (schema: Json, path: string): ReadonlyArray<readonly [string, Json]> => [
  ...Object.entries(object(schema["properties"])).flatMap(([key, member]) => [
    [`${path}.${key}`, object(member)] as const,
    ...members(object(member), `${path}.${key}`)
  ]),
  ...(isObject(schema["items"]) ? members(schema["items"], `${path}[]`) : [])
]

const nodes = (schema: unknown): ReadonlyArray<Json> => {
  if (!isObject(schema)) return []
  const { $defs, allOf, anyOf, items, not, patternProperties, properties, propertyNames } = schema
  const maps = [$defs, patternProperties, properties].flatMap((map) => Object.values(object(map)))
  return [schema, ...[...maps, ...list(anyOf), ...list(allOf), items, not, propertyNames].flatMap(nodes)]
}

describe("the JSON Schema", () => {
  it("is of draft 2020-12, an object for tools and any form for records", () => {
    assert.strictEqual(job["$schema"], "https://json-schema.org/draft/2020-12/schema")
    assert.strictEqual(job["type"], "object")
    assert.deepStrictEqual(job["required"], ["owner", "repo_url", "image_name", "registry_url"])
    assert.strictEqual(record["$schema"], "https://json-schema.org/draft/2020-12/schema")
    assert.lengthOf(list(record["anyOf"]), 3)
  })

  it("uses known keywords, sound patterns and no dangling references", () => {
    for (const node of [...nodes(job), ...nodes(record)]) {
      for (const keyword of Object.keys(node)) assert.property(keywords, keyword)
      if (Predicate.isString(node["pattern"])) assert.instanceOf(new RegExp(node["pattern"], "u"), RegExp)
      if (Predicate.isString(node["$ref"]))
        assert.property(object(record["$defs"]), node["$ref"].replace("#/$defs/", ""))
    }
  })

  it("has every field, and the earlier names, each with a description", () => {
    assert.includeMembers(Object.keys(object(job["properties"])), [
      ...Object.keys(RecordFields.fields),
      "test_commands",
      "test_entry_point",
      "test_timeout"
    ])
    for (const [path, member] of [...members(job, ""), ...members(object(list(record["anyOf"])[1]), "")]) {
      assert.isTrue(Predicate.isString(member["description"]) && member["description"].length > 10, path)
    }
  })

  it("says of every field what it is when left out, and shows what its text may be", () => {
    const [, ...fields] = [["", job] as const, ...members(job, "")]
    const isRequired = (path: string) =>
      /\.(?:owner|repo_url|image_name|registry_url|path|fields|attribute)$/.test(path)
    for (const [path, member] of fields) {
      const isSaid = Object.hasOwn(member, "default") || String(member["description"]).includes("when left out")
      assert.strictEqual(isSaid, !isRequired(path), path)
      if (Object.hasOwn(member, "default")) assert.isTrue(accepts(member, member["default"], job), path)
      const isFreeText = member["type"] === "string" && member["enum"] === undefined
      if (isFreeText && path !== ".deploy_dir") assert.isAbove(list(member["examples"]).length, 0, path)
    }
    for (const node of nodes(job)) {
      for (const example of list(node["examples"])) assert.isTrue(accepts(node, example, job), JSON.stringify(example))
    }
  })

  const samples: ReadonlyArray<object> = [
    {},
    { image_tags: ["a", "b"] },
    { image_tags: "a" },
    { image_tags: null },
    { build_timeout: "1h30m", test: { timeout: 5 } },
    { test_commands: ["a"], test_entry_point: false, test_timeout: "1m" },
    { resource_limits: { cpu: "1", memory: 10, build: { disk: 10 }, test: {}, publish: {} } },
    { test: { env: { A: "b" }, gpu_count: 1, constraints: [{ attribute: "a", operand: "is_set" }] } },
    { test: { vault_policies: ["p"], vault_secrets: [{ path: "secret/data/x", fields: { a: "A" } }] } },
    { webhook_url: "", git_credentials_path: "", dockerfile_context: "" },
    { state: "cancelled", labels: { a: "b" } }
  ]

  it.each(samples)("accepts %j, as the decoder does", (fields) => {
    const value = { ...minimal, ...fields }
    assert.deepStrictEqual(
      [faultless(value), accepts(job, value, job), accepts(record, value, record)],
      [true, true, true]
    )
    for (const wrapper of ["job_config", "jobConfig"]) {
      assert.deepStrictEqual(
        [faultless({ [wrapper]: value }), accepts(record, { [wrapper]: value }, record)],
        [true, true]
      )
    }
  })

  it.each([
    { owner: "" },
    { owner: 1 },
    { repo_url: "" },
    { image_name: "Upper" },
    { registry_url: "x".repeat(161) },
    { git_ref: "" },
    { unknown: 1 },
    { Owner: "x" },
    { image_tags: ["-a"] },
    { image_tags: Array.from({ length: 17 }, () => "a") },
    { git_credentials_path: 'x"}}' },
    { build_timeout: "soon" },
    { build_timeout: 0 },
    { build_timeout: true },
    { clear_cache: "true" },
    { resource_limits: { cpu: "2000MHz" } },
    { resource_limits: { cpu: 0 } },
    { resource_limits: { unknown: {} } },
    { test: null },
    { test: { python_command: "x" } },
    { test: { commands: "x" } },
    { test: { commands: [""] } },
    { test: { env: { "A-B": "x" } } },
    { test: { env: { A: 1 } } },
    { test: { gpu_count: 65 } },
    { test: { vault_policies: ["a"], vault_secrets: [{ path: "x" }] } },
    { test: { constraints: [{ attribute: "a", operand: "==", value: "b" }] } },
    { webhook_headers: { "a b": "x" } },
    { state: "paused" },
    { labels: { "-": "x" } }
  ])("refuses %j, as the decoder does", (fields) => {
    const value = { ...minimal, ...fields }
    assert.deepStrictEqual(
      [faultless(value), accepts(job, value, job), accepts(record, value, record)],
      [false, false, false]
    )
  })

  it("accepts whatever the decoder accepts", () => {
    fc.assert(
      fc.property(
        validJob,
        (value) => faultless(value) && accepts(job, value, job) && accepts(record, { job_config: value }, record)
      )
    )
  })

  it("refuses nothing that the decoder takes, whatever is in a field", () => {
    const fields = fc.dictionary(fc.constantFrom(...Object.keys(RecordFields.fields)), fc.jsonValue())
    fc.assert(
      fc.property(
        fields,
        (value) => !faultless({ ...minimal, ...value }) || accepts(job, { ...minimal, ...value }, job)
      ),
      { numRuns: 1000 }
    )
  })
})
