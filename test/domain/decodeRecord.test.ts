import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Duration } from "effect"
import { recordFaults } from "../../src/domain/decodeRecord.ts"
import { accepted, acceptedText, faults, messages, minimal, textFaults, wrongPaths } from "./records.ts"

describe("a record", () => {
  it("is a job, active and without labels where it says nothing about itself", () => {
    const { hash, ...record } = accepted(minimal)
    assert.deepStrictEqual(record, { job: minimal, state: "active", labels: {}, onConflict: "queue" })
    assert.match(hash, /^[0-9a-f]{64}$/)
  })

  it("is a file as the command line takes it", () => {
    const text = `
# what a person writes
owner: team-a
repo_url: git@git.example.com:team/app.git
git_ref: refs/heads/develop
dockerfile_path: myapp/Dockerfile
dockerfile_context: myapp/
image_name: team/app
image_tags: [v1.2.3, latest]
registry_url: registry.example.com:5000/builds
build_timeout: 45m
resource_limits:
  cpu: 2000
  build: {memory: "4096"}
test:
  entry_point: true
  env: {WORLD: Claude}
  timeout: 90s
`
    assert.deepStrictEqual(acceptedText(text).job, {
      owner: "team-a",
      repo_url: "git@git.example.com:team/app.git",
      git_ref: "refs/heads/develop",
      dockerfile_path: "myapp/Dockerfile",
      dockerfile_context: "myapp/",
      image_name: "team/app",
      image_tags: ["v1.2.3", "latest"],
      registry_url: "registry.example.com:5000/builds",
      build_timeout: Duration.millis(2_700_000),
      resource_limits: { cpu: 2000, build: { memory: 4096 } },
      test: { entry_point: true, env: { WORLD: "Claude" }, timeout: Duration.millis(90_000) }
    })
  })

  it.each([null, 1, "x", true, [], [minimal]])("is not %j", (value) => {
    assert.lengthOf(faults(value), 1)
    assert.match(String(faults(value)[0]), /^: the record must be an object of BuildJob fields, bare or in job_config/)
  })

  it.each(["not json", "1", "null", "- a"])("is not the text %j", (text) => {
    assert.match(String(textFaults(text)[0]), /^: the record must be an object of BuildJob fields/)
  })

  it("is bounded in its shape, however it comes", () => {
    const message = ": the record is nested deeper than 16 levels"
    assert.deepStrictEqual(textFaults("a: &a [*a]"), [message])
    assert.deepStrictEqual(textFaults("[".repeat(20) + "]".repeat(20)), [message])
    assert.deepStrictEqual(faults(JSON.parse("[".repeat(20) + "]".repeat(20))), [message])
  })
})

describe("the wrapper", () => {
  it.each(["job_config", "jobConfig"])("%s means the same as the bare job", (wrapper) => {
    assert.deepStrictEqual(accepted({ [wrapper]: minimal }), accepted(minimal))
    assert.deepStrictEqual(acceptedText(JSON.stringify({ [wrapper]: minimal })), accepted(minimal))
  })

  it("is checked for what stands in it and beside it", () => {
    assert.deepStrictEqual(faults({ job_config: { ...minimal, owner: "" } }), ["owner: owner is required"])
    assert.deepStrictEqual(faults({ job_config: minimal, owner: "x" }), [
      "owner: owner stands beside job_config; move it into job_config"
    ])
    assert.deepStrictEqual(faults({ job_config: minimal, jobConfig: minimal }), [
      "jobConfig: jobConfig is given besides job_config; keep one of them"
    ])
    assert.deepStrictEqual(faults({ job_config: [] }), [
      ": the record must be an object of BuildJob fields, bare or in job_config"
    ])
    assert.deepStrictEqual(
      faults({ job_config: { job_config: minimal } }).at(-1),
      "job_config: job_config is not a known field"
    )
  })

  it("may have the record's own fields in it or beside it", () => {
    const own = { state: "cancelled", labels: { team: "a" } }
    assert.deepStrictEqual(accepted({ job_config: minimal, ...own }), accepted({ ...minimal, ...own }))
    assert.deepStrictEqual(accepted({ job_config: { ...minimal, ...own } }), accepted({ ...minimal, ...own }))
    assert.deepStrictEqual(faults({ job_config: { ...minimal, state: "active" }, state: "cancelled" }), [
      "state: state is given both in job_config and beside it; keep one of them"
    ])
    assert.deepStrictEqual(faults({ job_config: null, state: "active" }), [
      ": the record must be an object of BuildJob fields, bare or in job_config, not null"
    ])
  })
})

describe("state and labels", () => {
  it("are the record's, not the job's", () => {
    const record = accepted({ ...minimal, state: "cancelled", labels: { "example.com/team": "a b" } })
    assert.deepStrictEqual(record, { ...accepted(minimal), state: "cancelled", labels: { "example.com/team": "a b" } })
  })

  it("are checked", () => {
    assert.deepStrictEqual(messages({ state: "paused" }), ["state must be active or cancelled"])
    assert.deepStrictEqual(messages({ state: null }), ["state must be active or cancelled"])
    assert.deepStrictEqual(
      wrongPaths({ labels: { "": "x", "a b": "x", "-a": "x", ok: "x".repeat(257), n: 1, c: "\n" } }),
      ['labels[""]', 'labels["a b"]', 'labels["-a"]', "labels.ok", "labels.n", "labels.c"]
    )
    const many = Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`l${index}`, "x"]))
    assert.deepStrictEqual(messages({ labels: many }), ["labels must have at most 64 entries"])
  })
})

describe("unknown keys", () => {
  it("are named, with what was probably meant", () => {
    assert.deepStrictEqual(messages({ gitRef: "x", commands: ["x"], Owner: "x", qwerty: 1, version: false }), [
      "gitRef is not a known field; did you mean git_ref?",
      "commands is not a known field; did you mean test.commands?",
      "Owner is not a known field; did you mean owner?",
      "qwerty is not a known field",
      "version is not a known field"
    ])
  })

  it("are unknown in another case or from another place", () => {
    assert.deepStrictEqual(wrongPaths({ IMAGE_TAGS: [], target: {}, webhooks_url: "x", "<<": {} }), [
      "IMAGE_TAGS",
      "target",
      "webhooks_url",
      '["<<"]'
    ])
    assert.deepStrictEqual(
      faults(JSON.parse('{"__proto__":{"owner":"x"}}')).at(-1),
      "__proto__: __proto__ is not a known field"
    )
  })

  it("are named with everything else that is wrong", () => {
    const record = {
      ...minimal,
      repo_url: "x",
      git_ref: "-x",
      test: { vault_secrets: [{ path: "a", fields: {} }], timeout: "x", foo: 1 },
      bar: 1,
      state: "x"
    }
    assert.deepStrictEqual(
      faults(record).map((line) => line.split(":", 1).join("")),
      [
        "repo_url",
        "git_ref",
        "test.foo",
        "test.timeout",
        "test.vault_policies",
        "test.vault_secrets[0].fields",
        "state",
        "bar"
      ]
    )
  })

  it("are listed up to a number that can be read", () => {
    const many = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`ownr${index}`, 1]))
    const lines = faults({ ...minimal, ...many })
    assert.lengthOf(lines, 101)
    assert.strictEqual(lines.at(-1), ": and 200 more errors")
    assert.lengthOf(recordFaults({ ...minimal, ...many }), 300)
  })

  it("say when it is the key that is wrong", () => {
    const keys = recordFaults({
      job_config: { ...minimal, ownr: 1, test: { env: { "A-B": "x" }, python_cwd: "." }, state: "active" },
      jobConfig: {},
      state: "active",
      other: 1
    })
    assert.deepStrictEqual(
      keys.map(({ at, path }) => [path.join("."), at]),
      ["test.python_cwd", "test.env.A-B", "state", "jobConfig", "other", "ownr"].map((path) => [path, "key"])
    )
    const values = recordFaults({
      ...minimal,
      owner: 1,
      test: { vault_secrets: [{}] },
      webhook_headers: { A: 1, a: "" }
    })
    assert.deepStrictEqual(
      values.map(({ at, path }) => [path.join("."), at]),
      [
        ["owner", undefined],
        ["test.vault_secrets.0.path", undefined],
        ["test.vault_secrets.0.fields", undefined],
        ["test.vault_policies", undefined],
        ["webhook_headers.A", undefined],
        ["webhook_headers.a", "key"]
      ]
    )
  })
})

describe("image_tags", () => {
  it.each([
    [
      ["a", "b"],
      ["a", "b"]
    ],
    [[], []],
    ['["a"]', ["a"]],
    ['["a","b"]', ["a", "b"]],
    [' [ "a" , "b" , "c" ] ', ["a", "b", "c"]],
    ["[]", []],
    ["latest", ["latest"]],
    ["v1.2.3", ["v1.2.3"]]
  ])("may be %j", (image_tags, expected) => {
    assert.deepStrictEqual(accepted({ ...minimal, image_tags }).job.image_tags, expected)
  })

  it.each([null, ""])("are none as %j", (image_tags) => {
    assert.deepStrictEqual(accepted({ ...minimal, image_tags }), accepted(minimal))
  })

  it.each(['["a",', '{"a":1}', "a,b", "a b", "1.0 "])("are one bad tag as %j", (image_tags) => {
    assert.deepStrictEqual(wrongPaths({ image_tags }), ["image_tags[0]"])
  })

  it("are checked one by one in a JSON array, too", () => {
    assert.deepStrictEqual(wrongPaths({ image_tags: '["ok", 1, "-x"]' }), ["image_tags[1]", "image_tags[2]"])
  })
})

describe("an empty text", () => {
  it.each([
    "dockerfile_context",
    "git_credentials_path",
    "registry_credentials_path",
    "webhook_url",
    "webhook_secret",
    "deploy_dir"
  ])("takes %s back, as configurations that are merged need", (field) => {
    assert.deepStrictEqual(accepted({ ...minimal, [field]: "" }), accepted(minimal))
  })
})

describe("the earlier spellings", () => {
  it("mean members of test", () => {
    const earlier = { test_commands: ["npm test"], test_entry_point: true, test_timeout: "15m" }
    const now = { test: { commands: ["npm test"], entry_point: true, timeout: 900_000_000_000 } }
    assert.deepStrictEqual(accepted({ ...minimal, ...earlier }), accepted({ ...minimal, ...now }))
    assert.deepStrictEqual(accepted({ ...minimal, test_commands: ["a"], test: { env: { A: "b" } } }).job.test, {
      env: { A: "b" },
      commands: ["a"]
    })
  })

  it("may say the same as the new ones", () => {
    const both = {
      test_commands: ["a"],
      test_timeout: "15m",
      test_entry_point: false,
      test: { commands: ["a"], timeout: 900_000_000_000, entry_point: false }
    }
    assert.deepStrictEqual(
      accepted({ ...minimal, ...both }).job.test,
      accepted({ ...minimal, test: both.test }).job.test
    )
  })

  it("must not say anything else", () => {
    const both = {
      test_commands: ["a"],
      test_timeout: "15m",
      test_entry_point: false,
      test: { commands: [], timeout: "16m", entry_point: true }
    }
    assert.deepStrictEqual(messages(both), [
      "test_commands and test.commands are both given and differ; keep test.commands",
      "test_entry_point and test.entry_point are both given and differ; keep test.entry_point",
      "test_timeout and test.timeout are both given and differ; keep test.timeout"
    ])
  })

  it("are named as they were given when they are wrong", () => {
    assert.sameMembers(messages({ test_commands: ["a", ""], test_entry_point: "yes", test_timeout: 0 }).slice(), [
      "test_timeout must be a duration above 0 and at most 168h, such as 30m or 1h30m, or a whole number of nanoseconds",
      "test_entry_point must be true or false",
      "test_commands[1] must not be empty: it would test nothing and pass"
    ])
    assert.deepStrictEqual(wrongPaths({ test_commands: null, test: { commands: ["a"] } }), ["test_commands"])
    assert.deepStrictEqual(wrongPaths({ test_commands: ["a"], test: "x" }), ["test"])
  })
})

describe("the hash", () => {
  const job = {
    ...minimal,
    image_tags: ["a"],
    build_timeout: "30m",
    resource_limits: { cpu: "5" },
    test: { commands: ["x"], timeout: "1m" }
  }
  const { hash } = accepted(job)

  it("is the same for every spelling of the job", () => {
    const respelled = [
      { job_config: job },
      { jobConfig: job, labels: { a: "b" }, state: "cancelled" },
      Object.fromEntries(Object.entries(job).toReversed()),
      { ...job, build_timeout: 1_800_000_000_000, resource_limits: { cpu: 5 } },
      { ...job, image_tags: "a" },
      { ...job, image_tags: '["a"]' },
      { ...job, test: { timeout: "60s" }, test_commands: ["x"] },
      { ...job, git_credentials_path: "" }
    ]
    for (const value of respelled) assert.strictEqual(accepted(value).hash, hash)
    const { resource_limits, ...rest } = job
    const yaml = [
      ...Object.entries(rest).map(([key, value]) => `${key}: ${JSON.stringify(value)}`),
      `resource_limits:\n  cpu: ${resource_limits.cpu}`
    ].join("\n")
    assert.strictEqual(acceptedText(yaml).hash, hash)
  })

  it("is another one for another job, even where only a default is written down", () => {
    for (const change of [
      { git_ref: "main" },
      { owner: "b" },
      { image_tags: ["a", "b"] },
      { test: {} },
      { clear_cache: false },
      { build_timeout: "31m" }
    ]) {
      assert.notStrictEqual(accepted({ ...job, ...change }).hash, hash)
    }
  })

  it("stays what it is in stored statuses", () => {
    const canonical =
      '{"image_name":"team/app","owner":"team-a","registry_url":"registry.example.com:5000/builds","repo_url":"https://git.example.com/team/app.git","test":{"timeout":60000000000}}'
    const expected = createHash("sha256").update(canonical).digest("hex")
    assert.strictEqual(accepted({ ...minimal, test: { timeout: "1m" } }).hash, expected)
  })
})
