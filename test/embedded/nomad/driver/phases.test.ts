import { mkdir, readdir, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { assert, describe, layer } from "@effect/vitest"
import { Duration, Effect, Schema } from "effect"
import { type ResolvedJob, systemLimits } from "../../../../src/domain/resolve.ts"
import { buildSpec } from "../../../../src/jobspec/buildSpec.ts"
import { cleanupSpec } from "../../../../src/jobspec/cleanupSpec.ts"
import type { NomadJob } from "../../../../src/jobspec/NomadJob.ts"
import type { PhaseInput } from "../../../../src/jobspec/PhaseInput.ts"
import { publishSpec } from "../../../../src/jobspec/publishSpec.ts"
import { defaultSpecSettings } from "../../../../src/jobspec/SpecSettings.ts"
import { testSpec } from "../../../../src/jobspec/testSpec.ts"
import { TaskDriver } from "../../../../src/embedded/nomad/TaskDriver.ts"
import { Bench, hostImage, missing, type TaskRequest } from "./support/Bench.ts"
import { command } from "./support/commands.ts"

const Result = Schema.parseJson(Schema.Struct({ digest: Schema.String, commit: Schema.String }))

const dockerfile = `FROM REGISTRY/plain:1
COPY hello /hello
RUN echo built as $(id -u) && mkdir /private && chown 1234:1234 /private && chmod 700 /private && touch /private/x
WORKDIR /srv
ENTRYPOINT ["sh", "/hello"]
`

const jobOf = (registry: string, repo: string, clearCache: boolean): ResolvedJob => ({
  owner: "somebody",
  repo_url: `file://${repo}`,
  git_ref: "main",
  dockerfile_path: "Dockerfile",
  dockerfile_context: ".",
  image_name: "hello",
  image_tags: ["v1"],
  registry_url: registry,
  clear_cache: clearCache,
  build_timeout: Duration.minutes(5),
  test: {
    commands: ["true"],
    env: { WORLD: "Claude" },
    vault_policies: [],
    vault_secrets: [],
    entry_point: true,
    timeout: Duration.minutes(5),
    gpu_required: false,
    gpu_count: 0,
    constraints: []
  },
  resources: systemLimits,
  webhook_on_success: false,
  webhook_on_failure: false,
  webhook_headers: {}
})

const inputOf = (job: ResolvedJob): PhaseInput => ({
  installation: "test",
  record: "hello",
  generation: 1,
  jobId: "11111111-1111-4111-8111-111111111111",
  attempt: 1,
  nomadId: "job",
  job,
  settings: { ...defaultSpecSettings, images: { builder: hostImage, publisher: hostImage } }
})

describe.skipIf(missing !== undefined)(
  `phases${missing === undefined ? "" : ` (no ${missing} here)`}`,
  { timeout: 60_000 },
  () => {
    layer(Bench.layer, { excludeTestServices: true, timeout: 60_000 })("the product's own job specs", (it) => {
      const makeRepository = Effect.fnUntraced(function* (name: string) {
        const bench = yield* Bench
        const folder = join(bench.folder, name)
        yield* Effect.promise(async () => {
          await mkdir(folder)
          await writeFile(join(folder, "Dockerfile"), dockerfile.replace("REGISTRY", bench.registry))
          await writeFile(join(folder, "hello"), 'echo "Hello ${WORLD:-World}" from $PWD\n')
          const git = ["git", "-C", folder, "-c", "user.name=a", "-c", "user.email=a@example.org"]
          await command([...git, "init", "-q", "-b", "main"])
          await command([...git, "add", "."])
          await command([...git, "commit", "-q", "-m", "first"])
        })
        return folder
      })

      /** As the embedded Nomad's client does: driver text unescaped, volumes on host paths. */
      const requestOf = (spec: NomadJob, cache: string): TaskRequest => {
        const [task] = spec.TaskGroups[0].Tasks
        const text = JSON.stringify(task.Config).replaceAll("$${", "${").replaceAll("%%{", "%{")
        return {
          config: Schema.decodeSync(Schema.parseJson(Schema.Record({ key: Schema.String, value: Schema.Unknown })))(
            text
          ),
          env: task.Env ?? {},
          user: task.User ?? "",
          volumes: (task.VolumeMounts ?? []).map((mount) => ({
            source: cache,
            destination: mount.Destination,
            readOnly: mount.ReadOnly
          }))
        }
      }

      const run = Effect.fnUntraced(function* (spec: NomadJob) {
        const bench = yield* Bench
        const driver = yield* TaskDriver
        const cache = join(bench.folder, "cache")
        yield* Effect.promise(() => mkdir(cache, { recursive: true }))
        const request = requestOf(spec, cache)
        assert.deepStrictEqual(driver.validate("docker", request.config, request.user ?? ""), [])
        const task = yield* bench.start(request)
        const { exitCode } = yield* task.wait
        yield* task.close
        assert.deepStrictEqual(yield* bench.leftovers(task.allocationId), [])
        const result = yield* Effect.promise(() =>
          readFile(join(task.folders.alloc, "result.json"), "utf8").catch(() => "")
        )
        return { exitCode, result, stdout: task.stdout(), stderr: task.stderr() }
      }, Effect.scoped)

      it.scoped("build, test both ways, publish and clean up", () =>
        Effect.gen(function* () {
          const bench = yield* Bench
          const repository = yield* makeRepository("repository")
          const input = inputOf(jobOf(bench.registry, repository, false))
          const temporary = `${bench.registry}/temp/${input.jobId}:latest`

          const build = yield* run(buildSpec(input, { kind: "temporary", image: temporary }))
          assert.strictEqual(build.exitCode, 0, build.stderr)
          assert.include(build.stdout, "built as 0")
          const { digest } = yield* Schema.decode(Result)(build.result)
          const byDigest = `${bench.registry}/temp/${input.jobId}@${digest}`

          const entry = yield* run(testSpec(input, { kind: "entry-point" }, byDigest))
          assert.deepStrictEqual([entry.exitCode, entry.stdout, entry.stderr], [0, "Hello Claude from /srv\n", ""])
          const failing = { kind: "command", index: 0, command: "cat /hello | wc -l; ls /nowhere; exit 3" } as const
          const test = yield* run(testSpec(input, failing, byDigest))
          assert.deepStrictEqual(
            [test.exitCode, test.stdout, test.stderr],
            [3, "1\n", "ls: /nowhere: No such file or directory\n"]
          )

          const tags = [input.jobId, "v1"].map((tag) => `${bench.registry}/hello:${tag}`)
          const publish = yield* run(publishSpec(input, byDigest, digest, tags))
          assert.strictEqual(publish.exitCode, 0, publish.stderr)
          for (const tag of tags) {
            const shown = yield* Effect.promise(() =>
              command(["skopeo", "inspect", "--tls-verify=false", "--format", "{{.Digest}}", `docker://${tag}`])
            )
            assert.strictEqual(shown.trim(), digest)
          }

          const cleanup = yield* run(cleanupSpec(input, temporary))
          assert.strictEqual(cleanup.exitCode, 0, cleanup.stderr)
          const gone = yield* Effect.promise(() =>
            command(["skopeo", "inspect", "--tls-verify=false", `docker://${temporary}`]).catch((error: unknown) =>
              String(error)
            )
          )
          assert.include(gone, "manifest unknown")

          const again = yield* run(buildSpec(input, { kind: "temporary", image: temporary }))
          assert.include(again.stdout, "Using cache")
          assert.strictEqual((yield* Schema.decode(Result)(again.result)).digest, digest)

          const cleared = inputOf(jobOf(bench.registry, repository, true))
          const afresh = yield* run(buildSpec(cleared, { kind: "temporary", image: temporary }))
          assert.strictEqual(afresh.exitCode, 0, afresh.stderr)
          assert.notInclude(afresh.stdout, "Using cache")
          assert.notInclude(afresh.stderr, "Permission denied")
          const stores = join(bench.folder, "cache", "jobforge")
          const inStores = yield* Effect.promise(async () =>
            Promise.all((await readdir(stores)).map((name) => readdir(join(stores, name))))
          )
          assert.isEmpty(inStores.flat().filter((name) => name.startsWith("trash.")))
        })
      )

      it.scoped("stop a build that is told to, leaving nothing but the cache", () =>
        Effect.gen(function* () {
          const bench = yield* Bench
          const repository = yield* makeRepository("slow")
          yield* Effect.promise(() =>
            writeFile(join(repository, "Dockerfile"), `FROM ${bench.registry}/plain:1\nRUN echo sleeping; sleep 100\n`)
          )
          yield* Effect.promise(() =>
            command([
              "git",
              "-C",
              repository,
              "-c",
              "user.name=a",
              "-c",
              "user.email=a@example.org",
              "commit",
              "-qam",
              "slow"
            ])
          )
          const input = inputOf(jobOf(bench.registry, repository, false))
          const cache = join(bench.folder, "cache")
          yield* Effect.promise(() => mkdir(cache, { recursive: true }))
          const image = `${bench.registry}/temp/slow:latest`
          const task = yield* bench.start(requestOf(buildSpec(input, { kind: "temporary", image }), cache))
          yield* Effect.repeat(Effect.sleep("50 millis"), { until: () => task.stdout().includes("sleeping\n") }).pipe(
            Effect.timeout("15 seconds")
          )
          yield* task.signal("SIGTERM")
          const exit = yield* task.wait.pipe(Effect.timeout("5 seconds"))
          assert.strictEqual(exit.exitCode, 143, task.stderr())
          yield* task.close
          assert.deepStrictEqual(yield* bench.leftovers(task.allocationId), [])
        })
      )
    })
  }
)
