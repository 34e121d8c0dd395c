import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import type { KvEntry } from "../../src/consul/Consul.ts"
import { recordName } from "../../src/store/keys.ts"
import { makeRecordTable, maxRecordBytes } from "../../src/store/RecordTable.ts"
import { minimal } from "../support/world.ts"

const jobs = "jobforge-service/jobs/"

const entry = (key: string, index: number, value = JSON.stringify(minimal)): KvEntry => ({
  key: `${jobs}${key}`,
  value: new TextEncoder().encode(value),
  createIndex: index,
  modifyIndex: index,
  lockIndex: 0,
  flags: 0
})

describe("recordName", () => {
  it.each([
    ["web", "web"],
    ["team/web.json", "team/web"],
    ["web.yaml", "web"],
    ["web.yml", "web"],
    ["web.v1", "web.v1"]
  ])("reads %s as %s", (key, name) => {
    assert.deepStrictEqual(recordName(jobs, `${jobs}${key}`), Option.some(name))
  })

  it.each(["", "team/", "master.ref", ".json", "team/.yaml"])("takes %j for no record", (key) => {
    assert.isTrue(Option.isNone(recordName(jobs, `${jobs}${key}`)))
  })
})

describe("RecordTable", () => {
  it("holds a record under its name and forgets it", () => {
    const table = makeRecordTable(jobs)
    assert.deepStrictEqual(table.put(entry("web.json", 5)), ["web"])
    const stored = Option.getOrThrow(table.get("web"))
    assert.deepStrictEqual([stored.key, stored.modifyIndex, stored.view._tag], [`${jobs}web.json`, 5, "Valid"])
    assert.deepStrictEqual(table.remove(`${jobs}web.json`), ["web"])
    assert.isTrue(Option.isNone(table.get("web")))
    assert.deepStrictEqual(table.names(), [])
    assert.deepStrictEqual(table.remove(`${jobs}web.json`), [])
  })

  it("knows nothing of keys that are no records", () => {
    const table = makeRecordTable(jobs)
    assert.deepStrictEqual(table.put(entry("master.ref", 5)), [])
    assert.deepStrictEqual(table.keys(), [])
  })

  it("lets the older of two keys have the name, and says so under the other's key", () => {
    const table = makeRecordTable(jobs)
    table.put(entry("web", 5))
    assert.sameMembers([...table.put(entry("web.json", 6))], ["web", "web (duplicate)", "web.json"])
    assert.strictEqual(Option.getOrThrow(table.get("web")).key, `${jobs}web`)
    const loser = Option.getOrThrow(table.get("web.json"))
    assert.strictEqual(loser.view._tag === "Invalid" ? loser.view.reason : "", "DuplicateName")
    assert.sameMembers([...table.names()], ["web", "web.json"])
    table.remove(`${jobs}web`)
    assert.strictEqual(Option.getOrThrow(table.get("web")).key, `${jobs}web.json`)
    assert.isTrue(Option.isNone(table.get("web.json")))
  })

  it("has a name for a newer key that is spelled like the name itself", () => {
    const table = makeRecordTable(jobs)
    table.put(entry("web.yaml", 5))
    table.put(entry("web", 6))
    const loser = Option.getOrThrow(table.get("web (duplicate)"))
    assert.strictEqual(loser.key, `${jobs}web`)
    assert.sameMembers([...table.names()], ["web", "web (duplicate)"])
  })

  it("refuses a record that is too large to be repeated in its status", () => {
    const table = makeRecordTable(jobs)
    table.put(entry("web", 5, "x".repeat(maxRecordBytes + 1)))
    const { view } = Option.getOrThrow(table.get("web"))
    assert.include(view._tag === "Invalid" ? (view.errors[0]?.message ?? "") : "", "at most 65536")
  })

  it("counts what YAML's aliases write out, not how little it takes to write them", () => {
    const table = makeRecordTable(jobs)
    const commands = ['    - &a "' + "x".repeat(9000) + '"', ...Array.from({ length: 10 }, () => "    - *a")]
    const text = [
      ...Object.entries(minimal).map(([key, value]) => `${key}: ${value}`),
      "test:",
      "  commands:",
      ...commands
    ]
    table.put(entry("web", 5, text.join("\n")))
    const { view } = Option.getOrThrow(table.get("web"))
    assert.include(view._tag === "Invalid" ? (view.errors[0]?.message ?? "") : "", "when its aliases are written out")
  })

  it("names each fault of a record that can't be read", () => {
    const table = makeRecordTable(jobs)
    table.put(entry("web", 5, '{"owner": 1, "ownr": 2}'))
    const { view } = Option.getOrThrow(table.get("web"))
    const paths = view._tag === "Invalid" ? view.errors.map(({ path }) => path) : []
    assert.includeMembers([...paths], ["owner", "ownr", "repo_url", "image_name", "registry_url"])
  })
})
