import { assert, describe, it } from "@effect/vitest"
import { accepted, messages, minimal, wrongPaths } from "./records.ts"

const secret = { path: "secret/data/team/app", fields: { password: "DB_PASSWORD" } }
const variableFault = "is no valid name; expected a variable name of letters, digits and _, not starting with a digit"

describe("test", () => {
  it("takes everything that the contract lists", () => {
    const test = {
      commands: ["npm test", "echo 'a\n\tb' | grep \"$X\""],
      entry_point: true,
      env: { A: "1", _b2: "", UNICODE: "größe\n" },
      vault_policies: ["app-read"],
      vault_secrets: [secret, { path: "nomad/jobs/x", fields: { "api-key": "API_KEY", user: "API_USER" } }],
      gpu_required: true,
      gpu_count: 2,
      constraints: [
        { attribute: "${meta.zone}", operand: "regexp" as const, value: "^eu" },
        { attribute: "${meta.gpu}", operand: "is_set" as const },
        { attribute: "${attr.kernel.name}", value: "linux" }
      ]
    }
    assert.deepStrictEqual<unknown>(accepted({ ...minimal, test }).job.test, test)
  })

  it("may be empty, and is an object", () => {
    assert.deepStrictEqual(accepted({ ...minimal, test: {} }).job.test, {})
    assert.deepStrictEqual(messages({ test: null }), ["test must be an object, not null"])
    assert.deepStrictEqual(messages({ test: [] }), ["test must be an object"])
    assert.deepStrictEqual(messages({ test: "npm test" }), ["test must be an object"])
  })

  it.each(["python_command", "python_cwd", "health_endpoint", "health_timeout", "container_port"])(
    "refuses %s by name",
    (field) => {
      assert.deepStrictEqual(messages({ test: { [field]: 1 } }), [
        `test.${field} is not supported yet; test with commands or entry_point`
      ])
    }
  )
})

describe("test.commands", () => {
  it("must be commands that test something", () => {
    assert.deepStrictEqual(messages({ test: { commands: ["", " \n"] } }), [
      "test.commands[0] must not be empty: it would test nothing and pass",
      "test.commands[1] must not be empty: it would test nothing and pass"
    ])
    assert.deepStrictEqual(messages({ test: { commands: null } }), ["test.commands must be a list, not null"])
    assert.deepStrictEqual(messages({ test: { commands: "npm test" } }), ["test.commands must be a list"])
    assert.deepStrictEqual(messages({ test: { commands: [true] } }), [
      "test.commands[0] must be a string; put the value in quotes"
    ])
    assert.deepStrictEqual(messages({ test: { commands: Array.from({ length: 65 }, () => "x") } }), [
      "test.commands must have at most 64 entries"
    ])
  })

  it.each(["a\u0000b", "\ud800", "x".repeat(32_769)])("refuses %j, which no process can be given", (command) => {
    assert.deepStrictEqual(wrongPaths({ test: { commands: [command] } }), ["test.commands[0]"])
  })
})

describe("test.env", () => {
  it("has names that a shell takes, and texts", () => {
    const env = { "1A": "x", "A-B": "x", "": "x", GOOD: "x", NUMBER: 1, FLAG: true, NUL: "\u0000", LIST: [] }
    assert.deepStrictEqual(messages({ test: { env } }), [
      `test.env["1A"] ${variableFault}`,
      `test.env.A-B ${variableFault}`,
      `test.env[""] ${variableFault}`,
      "test.env.NUMBER must be a string; put the value in quotes",
      "test.env.FLAG must be a string; put the value in quotes",
      "test.env.NUL must have at most 32768 characters, none of them NUL or half a surrogate pair",
      "test.env.LIST must be a string"
    ])
    assert.deepStrictEqual(messages({ test: { env: JSON.parse('{"__proto__":"x"}') } }), [
      `test.env.__proto__ ${variableFault}`
    ])
  })
})

describe("test.vault_secrets", () => {
  it("need policies, which may also stand alone", () => {
    const required = ["vault_policies is required when vault_secrets are specified"]
    assert.deepStrictEqual(messages({ test: { vault_secrets: [secret] } }), required)
    assert.deepStrictEqual(messages({ test: { vault_secrets: [secret], vault_policies: [] } }), required)
    assert.deepStrictEqual(wrongPaths({ test: { vault_secrets: [secret] } }), ["test.vault_policies"])
    assert.deepStrictEqual(messages({ test: { vault_policies: ["a"] } }), [])
    assert.deepStrictEqual(messages({ test: { vault_secrets: [] } }), [])
    assert.deepStrictEqual(messages({ test: { vault_secrets: [secret], vault_policies: "a" } }), [
      "vault_policies must be a list"
    ])
  })

  it("are refused in fixed words", () => {
    const test = {
      vault_policies: ["a"],
      vault_secrets: [
        { path: "", fields: { a: "A" } },
        { fields: { a: "B" } },
        { path: "x", fields: {} },
        { path: "x", fields: { "": "C" } },
        { path: "x", fields: { a: "" } },
        { path: "x" }
      ]
    }
    assert.sameMembers(messages({ test }).slice(), [
      "vault_secrets[0]: path is required",
      "vault_secrets[1]: path is required",
      "vault_secrets[2]: fields map cannot be empty",
      "vault_secrets[3]: invalid field mapping (empty field or env var)",
      "vault_secrets[4]: invalid field mapping (empty field or env var)",
      "vault_secrets[5]: fields is required"
    ])
  })

  it("have names that stand in a template as they are", () => {
    const vault_secrets = [
      { path: 'a" }}{{ x', fields: { 'a"': "A", "b c": "B", c: "1C" } },
      { path: "ok", fields: { d: "D-D", e: 5, f: "__proto__" } },
      "x",
      { path: "ok", fields: "x" }
    ]
    assert.sameMembers(wrongPaths({ test: { vault_policies: ["a"], vault_secrets } }).slice(), [
      "test.vault_secrets[0].path",
      'test.vault_secrets[0].fields["a\\""]',
      'test.vault_secrets[0].fields["b c"]',
      "test.vault_secrets[0].fields.c",
      "test.vault_secrets[1].fields.d",
      "test.vault_secrets[1].fields.e",
      "test.vault_secrets[1].fields.f",
      "test.vault_secrets[2]",
      "test.vault_secrets[3].fields"
    ])
    assert.deepStrictEqual(
      wrongPaths({ test: { vault_policies: ["a b", "", "-x"] } }),
      [0, 1, 2].map((index) => `test.vault_policies[${index}]`)
    )
  })

  it("set each variable once", () => {
    const vault_secrets = [
      { path: "x", fields: { a: "A", b: "B" } },
      { path: "y", fields: { c: "B" } }
    ]
    assert.deepStrictEqual(messages({ test: { vault_policies: ["p"], vault_secrets, env: { A: "1" } } }), [
      "vault_secrets[0]: fields.a sets a variable that env or another field sets",
      "vault_secrets[1]: fields.c sets a variable that env or another field sets"
    ])
  })
})

describe("test.gpu_count", () => {
  it("is a whole number from 0 to 64", () => {
    assert.deepStrictEqual(wrongPaths({ test: { gpu_count: 0 } }), [])
    for (const gpu_count of [-1, 65, 1.5, "1", Number.NaN]) {
      assert.deepStrictEqual(messages({ test: { gpu_count } }), ["test.gpu_count must be a whole number from 0 to 64"])
    }
  })
})

describe("test.constraints", () => {
  it.each(["=", "!=", "regexp", ">=", "<=", ">", "<", "version"])("with %s compare with a value", (operand) => {
    assert.deepStrictEqual(messages({ test: { constraints: [{ attribute: "a", operand, value: "b" }] } }), [])
    assert.deepStrictEqual(messages({ test: { constraints: [{ attribute: "a", operand }] } }), [
      "test.constraints[0].value is required for every operand but is_set and is_not_set"
    ])
  })

  it.each(["is_set", "is_not_set"])("with %s take none", (operand) => {
    assert.deepStrictEqual(
      messages({
        test: {
          constraints: [
            { attribute: "a", operand },
            { attribute: "a", operand, value: "" }
          ]
        }
      }),
      []
    )
    assert.deepStrictEqual(messages({ test: { constraints: [{ attribute: "a", operand, value: "b" }] } }), [
      "test.constraints[0].value must be left out for is_set and is_not_set"
    ])
  })

  it("name an attribute and a known operand", () => {
    const constraints = [
      { value: "x" },
      { attribute: "", value: "x" },
      { attribute: "a\n", value: "x" },
      { attribute: "a", operand: "==", value: "x" },
      { attribute: "a", value: 4 },
      "x"
    ]
    assert.sameMembers(messages({ test: { constraints } }).slice(), [
      "test.constraints[0].attribute is required",
      "test.constraints[1].attribute must be a node attribute such as ${attr.cpu.arch} of 1 to 256 printable characters",
      "test.constraints[2].attribute must be a node attribute such as ${attr.cpu.arch} of 1 to 256 printable characters",
      "test.constraints[3].operand must be one of = != regexp >= <= > < version is_set is_not_set",
      "test.constraints[4].value must be a string; put the value in quotes",
      "test.constraints[5] must be an object with attribute, operand and value"
    ])
  })
})
