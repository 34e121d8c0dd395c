import { spawnSync } from "node:child_process"
import { existsSync, mkdirSync } from "node:fs"
import { join, resolve } from "node:path"
import { parseArgs } from "node:util"
import { Effect, Layer, Option } from "effect"
import { Consul } from "../src/consul/Consul.ts"
import * as ConsulHttp from "../src/consul/ConsulHttp.ts"
import * as NomadHttp from "../src/nomad/NomadHttp.ts"
import { followJob } from "./demo/follow.ts"
import { runImage } from "./demo/prove.ts"
import { makeRepository } from "./demo/repository.ts"
import { type DevPorts, freePorts, startDev, stopDev } from "./demo/server.ts"
import { provideTools } from "./demo/tools.ts"

const say = (line: string): void => console.log(line)

interface Source {
  readonly repository: string
  readonly ref: string
  /** Made here, so that it is known what the image prints. */
  readonly ours: boolean
}

const record = (source: Source, ports: DevPorts): string =>
  JSON.stringify(
    {
      owner: "demo",
      repo_url: source.repository,
      git_ref: source.ref,
      image_name: "demo/hello",
      image_tags: ["latest"],
      registry_url: `127.0.0.1:${ports.registry}`,
      ...(source.ours ? { test: { commands: ['test "$(/usr/bin/hello)" = "Hello World"'], entry_point: true } } : {})
    },
    null,
    2
  )

const publish = Effect.fn("publish")(function* (source: Source, ports: DevPorts) {
  const consul = yield* Consul
  const name = `demo-${new Date().toISOString().replace(/\D/g, "").slice(0, 17)}`
  const text = record(source, ports)
  say(`writing the record jobforge-service/jobs/${name}:\n${text}\n`)
  yield* consul.put(`jobforge-service/jobs/${name}`, text)
  const status = yield* followJob(name, say)
  if (status.status !== "SUCCEEDED" || status.digest === undefined) {
    return yield* Effect.fail(new Error(`${name} ended as ${status.status}: ${status.error ?? "no reason given"}`))
  }
  const reference = `127.0.0.1:${ports.registry}/demo/hello@${status.digest}`
  if (source.ours) {
    const output = yield* runImage(reference, `prove-${name}`, { WORLD: "Job Forge" })
    say(`\nrunning the published image with WORLD="Job Forge" prints: ${output}`)
    if (output !== "Hello Job Forge") return yield* Effect.fail(new Error("that is not what it should print"))
  }
  return `${status.images.at(-1)}@${status.digest}`
})

const usage = `npm run demo -- [--repo URL] [--ref REF]

Starts all of Job Forge on this machine, builds, tests and publishes a repository, and ends.
  --repo URL   a Git repository with a Dockerfile; one that is made for it when left out
  --ref REF    its branch, tag or commit (main)`

const main = async (): Promise<void> => {
  const { values } = parseArgs({
    options: {
      repo: { type: "string" },
      ref: { type: "string", default: "main" },
      help: { type: "boolean", short: "h", default: false }
    }
  })
  if (values.help) return say(usage)
  await provideTools(say)
  if (!existsSync("dist/jobforge.mjs"))
    spawnSync(process.execPath, ["--import", "tsx", "scripts/build.ts"], { stdio: "inherit" })
  const folder = resolve(".jobforge", "demo")
  mkdirSync(folder, { recursive: true })
  const source: Source =
    values.repo === undefined
      ? { repository: makeRepository(join(folder, "hello")), ref: "main", ours: true }
      : { repository: values.repo, ref: values.ref, ours: false }
  const ports = await freePorts(join(folder, "ports"))
  const started = Date.now()
  say("starting jobforge dev: an embedded Consul and Nomad, a registry, the controller")
  const server = await startDev(join(folder, "data"), ports)
  try {
    const clients = Layer.merge(
      ConsulHttp.layerOf({ origin: `http://127.0.0.1:${ports.consul}` }),
      NomadHttp.layerOf({
        origin: `http://127.0.0.1:${ports.nomad}`,
        namespace: "default",
        region: Option.none(),
        token: Option.none(),
        httpAuth: Option.none()
      })
    )
    const published = await Effect.runPromise(Effect.provide(publish(source, ports), clients))
    say(`it took ${((Date.now() - started) / 1000).toFixed(1)} s`)
    await stopDev(server)
    say(`published ${published}`)
  } finally {
    await stopDev(server)
  }
}

await main().catch((error: unknown) => {
  console.error(`demo: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
})
