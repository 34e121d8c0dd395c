import { assert, describe, it } from "@effect/vitest"
import { diagnose } from "../../src/diagnosis/diagnose.ts"
import type { Reason } from "../../src/domain/Status.ts"
import { type CorpusCase, statusOf } from "./CorpusCase.ts"

const notFound = (image: string) =>
  `Failed to pull \`${image}\`: API error (404): manifest for ${image} not found: manifest unknown: manifest unknown`
const denied = (image: string) =>
  `Failed to pull \`${image}\`: API error (404): pull access denied for ${image}, repository does not exist or may require 'docker login'`
const noHost = (image: string) =>
  `Failed to pull \`${image}\`: API error (500): Get "https://r.example/v2/": dial tcp: lookup r.example: no such host`

const told = (phase: CorpusCase["phase"], reason: Reason, message: string, fields: Partial<CorpusCase> = {}) =>
  diagnose(statusOf({ label: "infrastructure", phase, reason, message, note: "", ...fields }))

const builder = "r.example/jobforge/builder:0.1.0"

describe("an image that a node can't pull", () => {
  for (const [phase, setting] of [
    ["build", "BUILDER_IMAGE"],
    ["publish", "PUBLISHER_IMAGE"]
  ] as const) {
    for (const [reason, message, mend] of [
      ["ImageNotFound", notFound(builder), "push the image that manifests/builder makes"],
      ["RegistryAuthRefused", denied(builder), "log Nomad's clients in to its registry"],
      ["RegistryUnreachable", noHost(builder), "see that Nomad's clients reach the registry"]
    ] as const) {
      it(`of a ${phase} is the installation's: ${reason} names ${setting}, and what an operator does about it`, () => {
        const { cause, next_action: next, summary } = told(phase, reason, message)
        assert.strictEqual(cause, "infrastructure")
        assert.include(next, setting)
        assert.include(next, `now ${builder}`)
        assert.include(next, mend)
        assert.notInclude(next, "registry_credentials_path")
        assert.include(summary, builder)
      })
    }
  }

  for (const [reason, cause, message, mend] of [
    ["ImageNotFound", "infrastructure", notFound, "is gone from its registry"],
    ["RegistryAuthRefused", "registry-authentication", denied, "log Nomad's clients in to the registry of"],
    ["RegistryUnreachable", "registry-unreachable", noHost, "Check that Nomad's clients reach the registry of"]
  ] as const) {
    it(`of a test is the job's own: ${reason} names it and says so`, () => {
      const image = "r.example/temp/17:latest"
      const diagnosis = told("test", reason, message(image))
      assert.strictEqual(diagnosis.cause, cause)
      assert.include(diagnosis.next_action, image)
      assert.include(diagnosis.next_action, "the job's own image")
      assert.include(diagnosis.next_action, mend)
      assert.notInclude(diagnosis.next_action, "BUILDER_IMAGE")
    })
  }

  it("is cut where its name is so long that the advice would not fit", () => {
    for (const phase of ["build", "publish", "test"] as const) {
      for (const reason of ["ImageNotFound", "RegistryAuthRefused", "RegistryUnreachable"] as const) {
        const { next_action: next } = told(phase, reason, notFound(`r.example/${"a".repeat(400)}:1`))
        assert.isBelow(next.length, 500)
        assert.match(next, /\.$/u)
      }
    }
  })

  it("is not what the build's own words about a base image are taken for", () => {
    const { cause, next_action: next } = told("build", "RegistryAuthRefused", "the registry refuses the login", {
      exit_code: 1
    })
    assert.strictEqual(cause, "registry-authentication")
    assert.notInclude(next, "BUILDER_IMAGE")
  })
})
