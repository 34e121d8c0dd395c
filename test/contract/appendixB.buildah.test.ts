import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { type BuildBench, canBuild, openBuildBench, resultOf } from "../jobspec/BuildBench.ts"
import { execute } from "../jobspec/processes.ts"

describe.runIf(canBuild)("the interface's Appendix B, buildah bud", { timeout: 60_000 }, () => {
  let bench: BuildBench
  let real = ""

  beforeAll(async () => {
    bench = await openBuildBench()
    real = (await execute(["sh", "-c", "command -v buildah"])).trim()
  })
  afterAll(() => bench?.close())

  /** What Buildah is told to build, by a build that really takes place. */
  const told = async (name: string, job: Parameters<BuildBench["build"]>[0]): Promise<ReadonlyArray<string>> => {
    const programs = `${bench.folder}/${name}`
    const seen = `${programs}/seen`
    mkdirSync(programs)
    const script = `#!/bin/sh\ncase " $* " in *" bud "*) printf '%s\\n' "$@" >"${seen}" ;; esac\nexec ${real} "$@"\n`
    writeFileSync(`${programs}/buildah`, script, { mode: 0o755 })
    resultOf(await bench.build(job, { programs }))
    return readFileSync(seen, "utf8").trimEnd().split("\n")
  }

  const fileOf = (told: ReadonlyArray<string>): string => told[told.indexOf("--file") + 1] ?? ""

  it("Appendix B: without a context buildah bud has the repository's Dockerfile and the repository itself", async () => {
    const words = await told("whole", {})
    assert.include(words, "bud")
    assert.match(fileOf(words), /\/Dockerfile"?$/)
    assert.strictEqual(fileOf(words).replaceAll('"', ""), `${words.at(-1)}/Dockerfile`)
  })

  it("Appendix B: a subdirectory's context is buildah bud --file sub/Dockerfile with sub as its last word", async () => {
    const words = await told("part", { dockerfile_path: "sub/Dockerfile", dockerfile_context: "sub/" })
    assert.match(words.at(-1) ?? "", /\/sub$/)
    assert.strictEqual(fileOf(words).replaceAll('"', ""), `${words.at(-1)}/Dockerfile`)
  })
})
