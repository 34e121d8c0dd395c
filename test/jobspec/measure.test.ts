import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { scriptPrelude } from "../../src/jobspec/scriptPrelude.ts"

const Usage = Schema.parseJson(Schema.Struct({ cpu: Schema.Number, memory: Schema.Number, disk: Schema.Number }))

const shells = [["/bin/sh"], ["/bin/bash"], ["/bin/busybox", "sh"]].filter(([path = ""]) => existsSync(path))

describe.each(shells)("what a step has used, told by %s %s", (shell, applet) => {
  let folder = ""
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "jobforge-measure-"))
    mkdirSync(join(folder, "task"))
    writeFileSync(join(folder, "task", "layer"), Buffer.alloc(3 * 1024 * 1024, 1))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  /** Measures ten seconds after the step began, in a container whose cgroup has these files. */
  const measured = (files: Readonly<Record<string, string>>, began = "$(($(date +%s) - 10))", task = "task") => {
    const cgroup = mkdtempSync(join(folder, "cgroup-"))
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(cgroup, name)), { recursive: true })
      writeFileSync(join(cgroup, name), text)
    }
    const script = `${scriptPrelude}\ncgroup='${cgroup}'\nbegan=${began}\nmeasure\n`
    const env = { PATH: process.env["PATH"] ?? "", NOMAD_TASK_DIR: join(folder, task) }
    const text = execFileSync(shell ?? "", [...(applet === undefined ? [] : [applet]), "-c", script], { env })
    return Schema.decodeSync(Usage)(text.toString())
  }

  it("is what cgroups of version 2 say, and the size of its folder", () => {
    const { cpu, disk, memory } = measured({
      "memory.peak": "734003200\n",
      "memory.current": "1\n",
      "cpu.stat": "usage_usec 25000000\nuser_usec 20000000\n"
    })
    assert.isTrue(cpu >= 2200 && cpu <= 2500, `${cpu} thousandths of a core`)
    assert.strictEqual(memory, 734_003_200)
    assert.isTrue(disk >= 3072 && disk < 4096, `${disk} KiB`)
  })

  it("has what is in memory now where the kernel keeps no peak", () => {
    assert.strictEqual(measured({ "memory.current": "4096\n" }).memory, 4096)
  })

  it("is what cgroups of version 1 say", () => {
    const { cpu, memory } = measured({
      "memory/memory.max_usage_in_bytes": "1048576\n",
      "cpuacct/cpuacct.usage": "5000000000\n"
    })
    assert.isTrue(cpu >= 440 && cpu <= 500, `${cpu} thousandths of a core`)
    assert.strictEqual(memory, 1_048_576)
  })

  it("is nothing where nobody tells: no files, other words, a machine's own cgroup, a step that never began", () => {
    assert.deepInclude(measured({}), { cpu: 0, memory: 0 })
    assert.deepInclude(measured({ "memory.peak": "max\n", "cpu.stat": "usage_usec -\n" }), { cpu: 0, memory: 0 })
    assert.deepInclude(measured({ "memory.peak": `${"9".repeat(20)}\n`, "cpu.stat": "" }), { cpu: 0, memory: 0 })
    assert.deepInclude(measured({ "cpu.stat": "usage_usec 25000000\n" }), { cpu: 0, memory: 0 })
    assert.strictEqual(measured({}, "$(date +%s)", "missing").disk, 0)
    assert.deepStrictEqual(measured({ "memory.peak": "1\n" }, "''"), { cpu: 0, memory: 0, disk: 0 })
  })
})
