import { assert, describe, it } from "@effect/vitest"
import { Duration, Either, FastCheck as fc, Schema } from "effect"
import { BuildJob, BuildJobFields } from "../../src/domain/BuildJob.ts"
import { accepted, faults, messages, minimal, wrongPaths } from "./records.ts"
import { validJob } from "./arbitraries.ts"

const timeoutFault =
  "must be a duration above 0 and at most 168h, such as 30m or 1h30m, or a whole number of nanoseconds"

describe("the required fields", () => {
  it("are owner, repo_url, image_name and registry_url", () => {
    assert.deepStrictEqual(accepted(minimal).job, minimal)
  })

  it.each(["owner", "repo_url", "image_name", "registry_url"])("include %s", (field) => {
    const others = Object.fromEntries(Object.entries(minimal).filter(([key]) => key !== field))
    assert.deepStrictEqual(faults(others), [`${field}: ${field} is required`])
    assert.deepStrictEqual(messages({ [field]: "" }), [`${field} is required`])
    assert.deepStrictEqual(messages({ [field]: null }), [`${field} must be a string, not null`])
    assert.deepStrictEqual(messages({ [field]: 12 }), [`${field} must be a string; put the value in quotes`])
    assert.deepStrictEqual(messages({ [field]: ["x"] }), [`${field} must be a string`])
  })

  it("are all reported at once when all are missing", () => {
    assert.deepStrictEqual(faults({}), [
      "owner: owner is required",
      "repo_url: repo_url is required",
      "image_name: image_name is required",
      "registry_url: registry_url is required"
    ])
  })
})

describe("git_ref and dockerfile_path", () => {
  it("may be left out, but not be empty", () => {
    assert.deepStrictEqual(messages({ git_ref: "" }), ["git_ref is required"])
    assert.deepStrictEqual(messages({ dockerfile_path: "" }), ["dockerfile_path is required"])
  })

  it("take a subfolder with a context of its own", () => {
    const fields = { dockerfile_path: "myapp/Dockerfile", dockerfile_context: "myapp/" }
    assert.deepStrictEqual(accepted({ ...minimal, ...fields }).job, { ...minimal, ...fields })
  })

  it("must not leave the checkout or be options", () => {
    assert.deepStrictEqual(wrongPaths({ git_ref: "-x", dockerfile_path: "-f" }), ["git_ref", "dockerfile_path"])
    assert.deepStrictEqual(messages({ dockerfile_path: "../x" }), [
      "dockerfile_path cannot contain '..' (path traversal)"
    ])
  })
})

describe("dockerfile_context", () => {
  it("is refused in fixed words", () => {
    assert.deepStrictEqual(messages({ dockerfile_context: "../etc/passwd" }), [
      "dockerfile_context cannot contain '..' (path traversal)"
    ])
    assert.deepStrictEqual(messages({ dockerfile_context: "/absolute/path" }), [
      "dockerfile_context must be a relative path"
    ])
  })
})

describe("owner", () => {
  it("is one printable line", () => {
    assert.deepStrictEqual(messages({ owner: "   " }), ["owner is required"])
    for (const owner of ["a\nb", " a", "a ", "x".repeat(129), "a\u0000", "\udfff"]) {
      assert.deepStrictEqual(messages({ owner }), [
        "owner must be at most 128 printable characters, without spaces at its ends"
      ])
    }
  })
})

describe("image_name and registry_url", () => {
  it("follow the grammar of OCI references", () => {
    for (const image_name of ["App", "a//b", "/a", "a/", "a:b", "a@b", "-a", "a..b", "a b", "$(id)", "x".repeat(256)]) {
      assert.deepStrictEqual(wrongPaths({ image_name }), ["image_name"], image_name)
    }
    for (const registry_url of [
      "https://registry.example.com",
      "registry",
      "registry.example.com/",
      "-x.y",
      "user:pw@a.b",
      `a.b/${"x".repeat(160)}`
    ]) {
      assert.deepStrictEqual(wrongPaths({ registry_url }), ["registry_url"], registry_url)
    }
  })

  it("have room together in one reference", () => {
    const registry_url = `a.b/${"x".repeat(150)}`
    assert.deepStrictEqual(messages({ registry_url, image_name: "x".repeat(101) }), [
      "image_name must have, with registry_url, at most 255 characters"
    ])
    assert.deepStrictEqual(messages({ registry_url, image_name: "x".repeat(100) }), [])
  })
})

describe("image_tags", () => {
  it("are at most 16 valid tags", () => {
    assert.deepStrictEqual(wrongPaths({ image_tags: Array.from({ length: 16 }, (_, index) => `t${index}`) }), [])
    assert.deepStrictEqual(messages({ image_tags: Array.from({ length: 17 }, () => "t") }), [
      "image_tags must have at most 16 entries"
    ])
    assert.deepStrictEqual(
      wrongPaths({ image_tags: ["ok", "-x", ".x", "a b", "a/b", "ü", "", "x".repeat(129), "latest"] }),
      [1, 2, 3, 4, 5, 6, 7].map((index) => `image_tags[${index}]`)
    )
    assert.deepStrictEqual(messages({ image_tags: [1.1] }), ["image_tags[0] must be a string; put the value in quotes"])
    assert.deepStrictEqual(messages({ image_tags: 1 }), ["image_tags must be a list"])
  })
})

describe("credential paths", () => {
  it.each(["nomad/jobs/x", "secret/nomad/jobs/x", "secret/data/team-a/git_1.2@x"])("take %s", (path) => {
    assert.deepStrictEqual(wrongPaths({ git_credentials_path: path, registry_credentials_path: path }), [])
  })

  it.each(['a"}}{{', "a b", "/a", "a/", "a//b", "a/../b", "a/./b", "..", "-a", "a\n", "a\\b", "x".repeat(513)])(
    "refuse %j, which could leave the template or the path",
    (path) => {
      assert.deepStrictEqual(wrongPaths({ git_credentials_path: path, registry_credentials_path: path }), [
        "git_credentials_path",
        "registry_credentials_path"
      ])
    }
  )
})

describe("timeouts", () => {
  it("are Go durations or nanoseconds", () => {
    const { build_timeout, test } = accepted({
      ...minimal,
      build_timeout: "1h30m",
      test: { timeout: 900_000_000_000 }
    }).job
    assert.deepStrictEqual(build_timeout, Duration.millis(5_400_000))
    assert.deepStrictEqual(test?.timeout, Duration.millis(900_000))
    assert.deepStrictEqual(
      accepted({ ...minimal, build_timeout: "168h" }).job.build_timeout,
      Duration.millis(604_800_000)
    )
  })

  it.each([
    "0",
    "0s",
    0,
    -1,
    "-5s",
    1.5,
    "30",
    "30 m",
    "soon",
    "",
    "169h",
    2 ** 60,
    1e300,
    Number.NaN,
    true,
    null,
    {},
    []
  ])("are refused as %j in one sentence", (build_timeout) => {
    assert.deepStrictEqual(messages({ build_timeout }), [`build_timeout ${timeoutFault}`])
  })
})

describe("flags", () => {
  it("are true or false", () => {
    const flags = { clear_cache: false, webhook_on_success: true, webhook_on_failure: false }
    assert.deepStrictEqual(accepted({ ...minimal, ...flags }).job, { ...minimal, ...flags })
    assert.deepStrictEqual(messages({ clear_cache: "true" }), ["clear_cache must be true or false"])
    assert.deepStrictEqual(messages({ webhook_on_failure: null }), [
      "webhook_on_failure must be true or false, not null"
    ])
  })
})

describe("resource_limits", () => {
  it("are digits, as text or as numbers", () => {
    const resource_limits = { cpu: "2000", memory: 4096, build: { cpu: "4000" }, test: { disk: 10 }, publish: {} }
    assert.deepStrictEqual(accepted({ ...minimal, resource_limits }).job.resource_limits, {
      cpu: 2000,
      memory: 4096,
      build: { cpu: 4000 },
      test: { disk: 10 },
      publish: {}
    })
  })

  it.each([
    "0",
    0,
    -1,
    "-1",
    "2000MHz",
    "",
    " 1",
    "1e3",
    "0x10",
    1.5,
    "1.5",
    1_000_001,
    "9999999999",
    Number.POSITIVE_INFINITY,
    true,
    null,
    []
  ])("refuse cpu %j", (cpu) => {
    assert.deepStrictEqual(messages({ resource_limits: { build: { cpu } } }), [
      "resource_limits.build.cpu must be a whole number of MHz from 1 to 1000000, without a unit"
    ])
  })

  it("refuse memory and disk that Nomad would refuse", () => {
    assert.deepStrictEqual(messages({ resource_limits: { memory: 9 }, test: { resource_limits: { disk: "9" } } }), [
      "test.resource_limits.disk must be a whole number of MB from 10 to 16777216, without a unit",
      "resource_limits.memory must be a whole number of MB from 10 to 16777216, without a unit"
    ])
  })

  it("don't nest a test object", () => {
    assert.deepStrictEqual(wrongPaths({ resource_limits: { test: { test: {} }, build: "big" } }), [
      "resource_limits.build",
      "resource_limits.test.test"
    ])
  })
})

describe("webhooks", () => {
  it("take any http(s) URL, a secret and headers", () => {
    const fields = {
      webhook_url: "https://hooks.example.com/x?y=%20z#f",
      webhook_secret: "s3cret",
      webhook_headers: { Authorization: "Bearer x", "X-Empty": "" }
    }
    assert.deepStrictEqual(accepted({ ...minimal, ...fields }).job, { ...minimal, ...fields })
  })

  it.each([
    "ftp://x/y",
    "x",
    "https://",
    "https:///x",
    "https://a b/",
    "https://a\n/",
    "https://é/",
    "http://a:99999/",
    "javascript:x",
    `https://a/${"x".repeat(2048)}`,
    String.raw`https://a\b`
  ])("refuse the URL %j", (webhook_url) => {
    assert.deepStrictEqual(messages({ webhook_url }), [
      "webhook_url must be an http:// or https:// URL of at most 2048 ASCII characters without spaces"
    ])
  })

  it("refuse credentials in the URL", () => {
    assert.deepStrictEqual(messages({ webhook_url: "https://u:p@host/x" }), [
      "webhook_url must not hold credentials; put them into webhook_headers as Authorization"
    ])
  })

  it.each(["a\nb", "x".repeat(1025)])("refuse the secret %j", (webhook_secret) => {
    assert.deepStrictEqual(messages({ webhook_secret }), ["webhook_secret must have at most 1024 printable characters"])
  })

  it("refuse headers that HTTP would not carry", () => {
    const webhook_headers = {
      "a b": "x",
      "": "x",
      Host: "x",
      "content-length": "1",
      __proto__x: "ok",
      "X-A": "a\r\nB: c",
      "X-B": " a",
      "X-C": "é",
      "X-D": 1
    }
    assert.deepStrictEqual(wrongPaths({ webhook_headers }), [
      'webhook_headers["a b"]',
      'webhook_headers[""]',
      "webhook_headers.Host",
      "webhook_headers.content-length",
      "webhook_headers.X-A",
      "webhook_headers.X-B",
      "webhook_headers.X-C",
      "webhook_headers.X-D"
    ])
    assert.deepStrictEqual(messages({ webhook_headers: { "X-A": "x", "x-a": "y" } }), [
      "webhook_headers.x-a is given twice, in different case"
    ])
    assert.deepStrictEqual(
      messages({ webhook_headers: Object.fromEntries(Array.from({ length: 33 }, (_, index) => [`x${index}`, ""])) }),
      ["webhook_headers must have at most 32 entries"]
    )
    assert.deepStrictEqual(messages({ webhook_headers: ["x"] }), ["webhook_headers must be a map"])
  })
})

describe("deploy_dir", () => {
  it("is kept for the command line", () => {
    assert.strictEqual(accepted({ ...minimal, deploy_dir: "/srv/deploy" }).job.deploy_dir, "/srv/deploy")
    assert.deepStrictEqual(wrongPaths({ deploy_dir: "-x" }), ["deploy_dir"])
  })
})

describe("BuildJob", () => {
  it("also judges the rules between fields", () => {
    const test = { vault_secrets: [{ path: "secret/data/x", fields: { a: "A" } }] }
    assert.isTrue(Either.isLeft(Schema.decodeUnknownEither(BuildJob)({ ...minimal, test })))
    assert.isTrue(
      Either.isRight(Schema.decodeUnknownEither(BuildJob)({ ...minimal, test: { ...test, vault_policies: ["ci"] } }))
    )
  })

  it("is written with nanoseconds and digits, as clients expect", () => {
    const { job } = accepted({ ...minimal, build_timeout: "30m", resource_limits: { cpu: 5 } })
    assert.deepStrictEqual(Schema.encodeSync(BuildJob)(job), {
      ...minimal,
      build_timeout: 1_800_000_000_000,
      resource_limits: { cpu: "5" }
    })
  })

  it("is the same after it was written and read again", () => {
    fc.assert(
      fc.property(validJob, (value) => {
        const { job } = accepted(value)
        const written: unknown = JSON.parse(JSON.stringify(Schema.encodeSync(BuildJobFields)(job)))
        assert.deepStrictEqual(Schema.decodeUnknownSync(BuildJob)(written), job)
      })
    )
  })
})
