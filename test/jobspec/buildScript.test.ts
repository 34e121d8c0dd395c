import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { createReadStream, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs"
import { once } from "node:events"
import { createServer } from "node:http"
import type { ResolvedJob } from "../../src/domain/resolve.ts"
import { buildSpec } from "../../src/jobspec/buildSpec.ts"
import type { NomadJob } from "../../src/jobspec/NomadJob.ts"
import { type BuildBench, canBuild, openBuildBench, refusal, resultOf } from "./BuildBench.ts"
import { commitFiles, identity, makeRepository } from "./GitServer.ts"
import { jobId, phaseInput } from "./phaseInputs.ts"
import { execute } from "./processes.ts"
import { runStep, type StepEnded } from "./runStep.ts"

describe.runIf(canBuild)("the build script", { timeout: 60_000 }, () => {
  let bench: BuildBench

  beforeAll(async () => {
    bench = await openBuildBench()
  })
  afterAll(() => bench.close())

  const finalSpec = (images: ReadonlyArray<string>, changes: Partial<ResolvedJob> = {}): NomadJob =>
    buildSpec(
      phaseInput({
        job: {
          repo_url: `${bench.git.url}/app.git`,
          registry_url: bench.registry.host,
          image_name: "team/app",
          ...changes
        }
      }),
      { kind: "final", images }
    )

  it("pushes the temporary image and says what it pushed and from which commit", async () => {
    const ended = await bench.build()
    const { usage, ...result } = resultOf(ended)
    assert.isAbove(usage?.disk ?? 0, 0)
    assert.deepEqual(result, {
      digest: (await bench.registry.digest(`temp/${jobId}`, "latest")) ?? "",
      commit: bench.commit,
      images: [`${bench.registry.host}/temp/${jobId}:latest`]
    })
    assert.match(ended.stdout, /STEP 5\/\d: RUN echo step-one/)
    assert.match(ended.stdout, /\nBuild completed successfully\n$/)
    assert.notInclude(ended.stdout, "Published image")
    assert.deepEqual(ended.left, [])
    assert.include(
      await bench.registry.labels(`temp/${jobId}`, "latest"),
      `"org.opencontainers.image.revision":"${bench.commit}"`
    )
  })

  it("takes the steps that it has built before from the project's own cache, and gets the same image", async () => {
    const first = resultOf(await bench.build())
    const again = await bench.build()
    assert.strictEqual(resultOf(again).digest, first.digest)
    assert.match(again.stdout, /Using cache/)
    assert.notInclude(again.stdout, "\nstep-one")
    const otherProject = await bench.build({ owner: "bob" })
    assert.include(otherProject.stdout, "\nstep-one")
  })

  it("starts from nothing when the cache is to be cleared, in this project only", async () => {
    await bench.build()
    await bench.build({ owner: "carl" })
    const cleared = await bench.build({ clear_cache: true })
    assert.include(cleared.stdout, "\nstep-one")
    assert.notInclude((await bench.build({ owner: "carl" })).stdout, "\nstep-one")
    assert.notInclude((await bench.build()).stdout, "\nstep-one")
  })

  it.each([
    ["a branch", "main"],
    ["a tag", "v1"],
    ["a full ref", "refs/heads/main"],
    ["a tag's full ref", "refs/tags/v1"],
    ["a ref below refs/", "heads/main"],
    ["HEAD", "HEAD"]
  ])("finds %s", async (_, ref) => {
    assert.strictEqual(resultOf(await bench.build({ git_ref: ref })).commit, bench.commit)
  })

  it("finds a commit by its name, whole and shortened", async () => {
    assert.strictEqual(resultOf(await bench.build({ git_ref: bench.commit })).commit, bench.commit)
    assert.strictEqual(resultOf(await bench.build({ git_ref: bench.commit.slice(0, 10) })).commit, bench.commit)
  })

  it("builds the branch that was asked for", async () => {
    const commit = await execute(["git", "rev-parse", "feature/x"], { cwd: `${bench.folder}/git/app` })
    assert.notStrictEqual(commit, bench.commit)
    assert.strictEqual(resultOf(await bench.build({ git_ref: "feature/x" })).commit, commit)
  })

  it("builds a Dockerfile in a folder with the context of its own", async () => {
    resultOf(await bench.build({ dockerfile_path: "sub/Dockerfile", dockerfile_context: "sub/" }))
    resultOf(await bench.build({ dockerfile_path: "inner/Dockerfile", dockerfile_context: "inner" }))
  })

  it("takes a path with a comma or a quote for one file, in the record and behind a link", async () => {
    for (const dockerfile_path of ["two,/etc/hostname", "comma.Dockerfile", "quote.Dockerfile"]) {
      const run = await bench.build({ dockerfile_path })
      resultOf(run)
    }
  })

  it("fetches submodules", async () => {
    const library = await makeRepository(`${bench.folder}/git`, "library")
    await commitFiles(library, { "library.txt": "from the library" })
    const parent = await makeRepository(`${bench.folder}/git`, "parent")
    await commitFiles(parent, { Dockerfile: "FROM scratch\nCOPY lib/library.txt /\n" })
    await execute(["git", "submodule", "add", "-q", `${bench.git.url}/library.git`, "lib"], {
      cwd: parent,
      env: identity()
    })
    await commitFiles(parent, {})
    resultOf(await bench.build({ repo_url: `${bench.git.url}/parent.git` }))
  })

  it("fetches whole from a server that can't do it shallow", async () => {
    const dumb = createServer((request, response) => {
      const path = `${bench.folder}/git${(request.url ?? "").split("?", 1).join("")}`
      if (existsSync(path)) createReadStream(path).pipe(response)
      else response.writeHead(404).end()
    }).listen(0, "127.0.0.1")
    await once(dumb, "listening")
    const address = dumb.address()
    const port = address !== null && typeof address === "object" ? address.port : 0
    try {
      assert.strictEqual(
        resultOf(await bench.build({ repo_url: `http://127.0.0.1:${port}/app.git` })).commit,
        bench.commit
      )
    } finally {
      dumb.closeAllConnections()
      dumb.close()
    }
  })

  describe("without tests", () => {
    const tags = (id: string): ReadonlyArray<string> =>
      [id, "latest", "v1"].map((tag) => `${bench.registry.host}/team/app:${tag}`)

    it("publishes one digest under every tag", async () => {
      const ended = await runStep(finalSpec(tags("job-1")), bench.options())
      const { usage, ...result } = resultOf(ended)
      assert.isAbove(usage?.disk ?? 0, 0)
      for (const tag of ["job-1", "latest", "v1"])
        assert.strictEqual(await bench.registry.digest("team/app", tag), result.digest)
      assert.deepEqual(result.images, tags("job-1"))
      for (const image of tags("job-1")) assert.include(ended.stdout, `Published image: ${image}\n`)
    })

    it("publishes under the job id alone", async () => {
      const images = [`${bench.registry.host}/team/alone:job-1`]
      const result = resultOf(await runStep(finalSpec(images, { image_name: "team/alone" }), bench.options()))
      assert.strictEqual(await bench.registry.digest("team/alone", "job-1"), result.digest)
    })

    it("is done when an earlier attempt has pushed the job id's tag, whatever became of the other tags", async () => {
      const first = resultOf(await runStep(finalSpec(tags("job-2")), bench.options()))
      await runStep(
        finalSpec(tags("job-3"), { dockerfile_path: "sub/Dockerfile", dockerfile_context: "sub" }),
        bench.options()
      )
      const newer = await bench.registry.digest("team/app", "latest")
      assert.notStrictEqual(newer, first.digest)
      const ended = await runStep(finalSpec(tags("job-2")), bench.options())
      // Each attempt measures itself.
      const { usage: _first, ...earlier } = first
      const { usage: _again, ...later } = resultOf(ended)
      assert.deepEqual(later, earlier)
      assert.notInclude(ended.stdout, "STEP")
      assert.strictEqual(await bench.registry.digest("team/app", "latest"), newer)
    })

    it.each(["bud", "push"])(
      "gives way to another copy of the step that has published by the end of its %s",
      async (command) => {
        const name = `raced-${command}`
        const other = resultOf(
          await runStep(
            finalSpec([`${bench.registry.host}/team/app:other`], {
              dockerfile_path: "sub/Dockerfile",
              dockerfile_context: "sub"
            }),
            bench.options()
          )
        )
        const copy = `skopeo copy -q --src-tls-verify=false --dest-tls-verify=false docker://${bench.registry.host}/team/app:other docker://${bench.registry.host}/team/app:${name}`
        const programs = `${bench.folder}/${name}`
        mkdirSync(programs)
        const buildah = await execute(["sh", "-c", "command -v buildah"])
        writeFileSync(
          `${programs}/buildah`,
          `#!/bin/sh\ncase " $* " in *" ${command} "*) ${copy} ;; esac\nexec ${buildah} "$@"\n`,
          { mode: 0o755 }
        )
        const ended = await runStep(finalSpec(tags(name)), bench.options({ programs }))
        assert.strictEqual(resultOf(ended).digest, other.digest)
        assert.include(ended.stdout, "STEP")
        for (const tag of [name, "latest", "v1"])
          assert.strictEqual(await bench.registry.digest("team/app", tag), other.digest)
      }
    )
  })

  it.each([
    { times: 2, reason: undefined },
    { times: 3, reason: "PushFailed" }
  ])("pushes again when the registry overlooks a blob, $times times in a row", async ({ times, reason }) => {
    const programs = mkdtempSync(`${bench.folder}/overlooked-`)
    const buildah = await execute(["sh", "-c", "command -v buildah"])
    writeFileSync(
      `${programs}/buildah`,
      `#!/bin/sh
case " $* " in *" push "*)
  echo >>'${programs}/pushes'
  if [ "$(wc -l <'${programs}/pushes')" -le ${times} ]; then
    printf 'Error: pushing image: uploading manifest: errors:\ndigest invalid\nmanifest blob unknown: blob unknown to registry\n' >&2
    exit 125
  fi ;;
esac
exec ${buildah} "$@"
`,
      { mode: 0o755 }
    )
    const ended = await bench.build({ owner: "overlooked" }, { programs })
    if (reason === undefined) resultOf(ended)
    else assert.strictEqual(refusal(ended), reason)
    assert.lengthOf(readFileSync(`${programs}/pushes`, "utf8"), 3)
  })

  it("lets two builds of one project run at once", async () => {
    const [left, right] = await Promise.all([
      bench.build({ owner: "both" }),
      bench.build({ owner: "both", git_ref: "feature/x" })
    ])
    resultOf(left)
    resultOf(right)
  })

  it("keeps the cache below its limit, the least recently used project first", async () => {
    const cache = `${bench.folder}/small-cache`
    const limited = (owner: string, limitMb: number): Promise<StepEnded> => {
      const cacheVolume = { name: "buildah-cache", destination: cache, limitMb }
      return runStep(bench.spec({ owner }, { cacheVolume }), bench.options({ cache }))
    }
    for (const owner of ["old", "young", "old", "young"]) resultOf(await limited(owner, 1000))
    const size = (await execute(["sh", "-c", 'cat "$1"/jobforge/*/size', "sh", cache])).split("\n").map(Number)
    const both = size.reduce((sum, one) => sum + one, 0)
    assert.isAbove(both, 1)
    assert.notInclude((await limited("young", both - 1)).stdout, "\nstep-one")
    assert.include((await limited("old", 1000)).stdout, "\nstep-one")
    assert.include((await limited("young", 0)).stdout, "\nstep-one")
  })
})
