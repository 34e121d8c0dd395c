import { assert, describe, it } from "@effect/vitest"
import { meetsConstraint } from "../../../../src/embedded/nomad/machine/constraints.ts"
import type { NomadNode } from "../../../../src/embedded/nomad/machine/NomadState.ts"
import { node } from "./simulation.ts"

const host: NomadNode = {
  ...node("a", {
    Attributes: { "kernel.name": "linux", version: "1.10.5", beta: "2.0.0-beta.1", cores: "8", tags: "a, b,c" }
  }),
  Status: "ready",
  SchedulingEligibility: "eligible",
  Drain: false,
  CreateIndex: 1,
  ModifyIndex: 1
}

const meets = (LTarget: string, Operand: string, RTarget: string): boolean =>
  meetsConstraint(host, { LTarget, Operand, RTarget })

describe("a constraint", () => {
  it("compares texts, and what is missing equals nothing", () => {
    assert.isTrue(meets("${attr.kernel.name}", "=", "linux"))
    assert.isTrue(meets("${node.datacenter}", "is", "dc1"))
    assert.isTrue(meets("${meta.rack}", "==", "r1"))
    assert.isFalse(meets("${attr.none}", "=", "linux"))
    assert.isTrue(meets("${attr.none}", "!=", "linux"))
    assert.isFalse(meets("${node.unique.name}", "not", "a"))
    assert.isFalse(meets("${nonsense}", "=", "x"))
  })

  it("orders numbers as numbers and anything else by its bytes", () => {
    assert.isTrue(meets("${attr.cores}", ">", "7"))
    assert.isTrue(meets("${attr.cores}", "<", "10"))
    assert.isFalse(meets("${attr.cores}", ">=", "8.5"))
    assert.isTrue(meets("${attr.kernel.name}", "<", "plan9"))
    assert.isTrue(meets("${attr.cores}", "<=", "8"))
  })

  it("knows versions, loosely and strictly", () => {
    assert.isTrue(meets("${attr.version}", "version", ">= 1.8, < 2"))
    assert.isTrue(meets("${attr.version}", "version", "~> 1.10.2"))
    assert.isFalse(meets("${attr.version}", "version", "~> 1.9.2"))
    assert.isTrue(meets("${attr.version}", "version", "~> 1.9"))
    assert.isFalse(meets("${attr.beta}", "version", "> 1.0"))
    assert.isTrue(meets("${attr.beta}", "semver", "> 1.0.0"))
    assert.isFalse(meets("${attr.beta}", "semver", ">= 2.0.0"))
    assert.isTrue(meets("${attr.version}", "version", "!= 1.10.4"))
    assert.isFalse(meets("${attr.kernel.name}", "version", ">= 1"))
  })

  it("looks for patterns, members and presence", () => {
    assert.isTrue(meets("${attr.kernel.name}", "regexp", "^lin"))
    assert.isTrue(meets("${attr.kernel.name}", "regexp", "(?i)LINUX"))
    assert.isTrue(meets("${attr.tags}", "set_contains", "a,c"))
    assert.isFalse(meets("${attr.tags}", "set_contains_all", "a,d"))
    assert.isTrue(meets("${attr.tags}", "set_contains_any", "d,b"))
    assert.isTrue(meets("${attr.tags}", "is_set", ""))
    assert.isTrue(meets("${attr.none}", "is_not_set", ""))
  })
})
