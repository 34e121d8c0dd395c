import { assert, describe, it } from "@effect/vitest"
import { FastCheck as fc, Option } from "effect"
import {
  finalImage,
  finalRepository,
  finalTags,
  formatImageReference,
  isRegistry,
  isRegistryUrl,
  parseImageReference,
  registryHost,
  temporaryImage,
  temporaryRepository
} from "../../src/domain/ImageReference.ts"
import { jobId, registryUrl, imageName, tag } from "./arbitraries.ts"

const digest = `sha256:${"0123456789abcdef".repeat(4)}`

describe("isRegistry", () => {
  it.each([
    "registry.example.com",
    "localhost",
    "localhost:5000",
    "registry:5000",
    "127.0.0.1:5000",
    "10.0.0.1",
    "[::1]:5000",
    "[2001:db8::1]",
    "a-b.c-d.io"
  ])("accepts %s", (text) => {
    assert.isTrue(isRegistry(text))
  })

  it.each([
    "",
    "registry",
    "https://registry.example.com",
    "Registry.example.com",
    "registry.example.com/",
    "registry:0",
    "registry:65536",
    "registry:",
    "-registry.example.com",
    "registry-.example.com",
    "a..b",
    ".a.b",
    "user@registry.example.com",
    "my_registry:5000",
    "registry.example.com:5000:1",
    "a b.c",
    `${"a".repeat(256)}.com`
  ])("refuses %j", (text) => {
    assert.isFalse(isRegistry(text))
  })
})

describe("isRegistryUrl", () => {
  it.each(["registry.example.com", "registry.example.com/x", "localhost:5000/a/b-c", "docker.io/library"])(
    "accepts %s",
    (text) => {
      assert.isTrue(isRegistryUrl(text))
    }
  )

  it.each([
    "registry/x",
    "registry.example.com/",
    "registry.example.com//x",
    "registry.example.com/X",
    "/x",
    `a.b/${"x".repeat(252)}`
  ])("refuses %j", (text) => {
    assert.isFalse(isRegistryUrl(text))
  })
})

describe("registryHost", () => {
  it.each([
    ["registry.example.com/x", "registry.example.com"],
    ["registry.example.com", "registry.example.com"],
    ["localhost:5000/a/b", "localhost:5000"],
    ["[::1]:5000/a", "[::1]:5000"]
  ])("of %s is %s, with or without a port", (url, host) => {
    assert.strictEqual(registryHost(url), host)
  })
})

describe("parseImageReference", () => {
  it("takes a reference apart", () => {
    assert.deepStrictEqual(
      parseImageReference("registry.example.com/x/y:v1"),
      Option.some({ registry: "registry.example.com", repository: "x/y", tag: "v1" })
    )
    assert.deepStrictEqual(
      parseImageReference(`localhost:5000/x@${digest}`),
      Option.some({ registry: "localhost:5000", repository: "x", digest })
    )
    assert.deepStrictEqual(
      parseImageReference(`[::1]:5000/x:t@${digest}`),
      Option.some({ registry: "[::1]:5000", repository: "x", tag: "t", digest })
    )
    assert.deepStrictEqual(parseImageReference("localhost/x"), Option.some({ registry: "localhost", repository: "x" }))
  })

  it.each([
    "",
    "x",
    "x/y",
    "a.b/",
    "a.b/X",
    "a.b/x:",
    "a.b/x:-t",
    "a.b/x@sha256:12",
    "a.b/x:t:u",
    `a.b/${"x".repeat(252)}`,
    `a.b/x:${"t".repeat(129)}`
  ])("refuses %j", (text) => {
    assert.isTrue(Option.isNone(parseImageReference(text)))
  })

  it("reads back what formatImageReference wrote", () => {
    const reference = fc.record(
      { registry: registryUrl.map(registryHost), repository: imageName, tag, digest: fc.constant(digest) },
      { requiredKeys: ["registry", "repository"] }
    )
    fc.assert(
      fc.property(reference, (value) => {
        assert.deepStrictEqual(parseImageReference(formatImageReference(value)), Option.some(value))
      })
    )
  })
})

describe("the names of a job's images", () => {
  const job = { registry_url: "localhost:5000/ns", image_name: "team/app" }

  it("are the registry, the name and the tag", () => {
    assert.strictEqual(finalRepository(job), "localhost:5000/ns/team/app")
    assert.strictEqual(finalImage(job, "v1"), "localhost:5000/ns/team/app:v1")
  })

  it("have the job id as their first tag, and each tag once", () => {
    assert.deepStrictEqual(finalTags("id", { image_tags: ["b", "a", "id", "b"] }), ["id", "b", "a"])
    assert.deepStrictEqual(finalTags("id", {}), ["id"])
  })

  it("have a temporary one of the job's own", () => {
    assert.strictEqual(temporaryRepository("localhost:5000", "temp", "id"), "localhost:5000/temp/id")
    assert.strictEqual(temporaryImage("localhost:5000", "temp", "id"), "localhost:5000/temp/id:latest")
  })

  it("are valid references for every registry, name and tag that a job may give", () => {
    fc.assert(
      fc.property(registryUrl, imageName, tag, jobId, (registry_url, image_name, anyTag, id) => {
        for (const image of [
          finalImage({ registry_url, image_name }, anyTag),
          finalImage({ registry_url, image_name }, id),
          temporaryImage(registryHost(registry_url), "temp", id)
        ]) {
          assert.isTrue(Option.isSome(parseImageReference(image)), image)
        }
      })
    )
  })
})
