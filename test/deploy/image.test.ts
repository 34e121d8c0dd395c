import { createServer } from "node:http"
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { Effect, Schema } from "effect"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { bundle } from "../../scripts/build.ts"
import { freePorts } from "../../scripts/chaos/ConsulServer.ts"
import { cleanEnvironment, OwnProcess } from "../../scripts/chaos/OwnProcess.ts"
import { command } from "../../scripts/cluster/Docker.ts"
import { program } from "../../scripts/cluster/programs.ts"
import { startRegistry } from "../jobspec/Registry.ts"
import { makeBaseTree } from "./baseImage.ts"

const missing = [
  ...["buildah", "busybox", "docker-registry"].filter((name) => program("", name) === undefined),
  ...(process.getuid?.() === 0 ? [] : ["root"])
]
const title = "the service's image"

describe.skipIf(missing.length > 0)(missing.length === 0 ? title : `${title} (missing: ${missing.join(", ")})`, () => {
  const folder = mkdtempSync(join(tmpdir(), "jobforge-image-"))
  const context = join(folder, "context")
  const storage = ["--root", join(folder, "root"), "--runroot", join(folder, "run"), "--storage-driver", "vfs"]
  const buildah = (...args: ReadonlyArray<string>): Promise<string> => command(["buildah", ...storage, ...args])
  let manifests: ReadonlyArray<string> = []

  const build = async (name: string, format: "oci" | "docker", source: string): Promise<string> => {
    const base = ["--build-arg", "NODE=localhost/base", "--build-arg", "BASE=localhost/base"]
    const flags = ["--isolation", "chroot", "--format", format, "--timestamp", "0", "--pull-never", "--no-cache"]
    await buildah("bud", ...flags, ...base, "--tag", name, source)
    const out = join(folder, `${name}.out`)
    await buildah("push", "--quiet", `localhost/${name}`, `dir:${out}`)
    return readFileSync(join(out, "manifest.json"), "utf8")
  }

  const configuration = Effect.promise(() =>
    buildah("inspect", "--type", "image", "--format", "{{.Config}}", "localhost/docker")
  ).pipe(Effect.flatMap(Schema.decode(Schema.parseJson(Schema.Struct({ config: ImageConfig })))))

  const configOf = async (): Promise<typeof ImageConfig.Type> => (await Effect.runPromise(configuration)).config

  beforeAll(async () => {
    const tree = join(folder, "tree")
    await makeBaseTree(tree)
    const container = await buildah("from", "scratch")
    await buildah("copy", "--quiet", container, tree, "/")
    await buildah("commit", "--quiet", container, "localhost/base")
    mkdirSync(join(context, "dist"), { recursive: true })
    for (const name of ["Dockerfile", ".dockerignore", "LICENSE"]) cpSync(name, join(context, name))
    await bundle(join(context, "dist/jobforge.mjs"))
    mkdirSync(join(context, "scripts"))
    cpSync("scripts/push-image", join(context, "scripts/push-image"))
    writeFileSync(join(context, "dist/client.mjs"), "not wanted")
    writeFileSync(join(context, ".npmrc"), "//registry/:_authToken=secret")
    const first = await build("first", "oci", context)
    // Other times, and another folder.
    const copy = join(folder, "elsewhere")
    cpSync(context, copy, { recursive: true })
    await command(["find", copy, "-exec", "touch", "-d", "2001-02-03", "{}", "+"])
    manifests = [first, await build("second", "oci", copy)]
    await build("docker", "docker", context)
  }, 180_000)

  afterAll(async () => {
    await buildah("rm", "--all")
    rmSync(folder, { recursive: true, force: true })
  }, 60_000)

  it("is the same to the byte when it is built again from files with other times", () => {
    assert.strictEqual(manifests[0], manifests[1])
    assert.include(manifests[0] ?? "", "sha256:")
  })

  it("is pushed by the script, which says by which digest", async () => {
    const registry = await startRegistry(folder)
    try {
      const storageSettings = join(folder, "storage.conf")
      const roots = `graphroot = "${join(folder, "root")}"\nrunroot = "${join(folder, "run")}"\n`
      writeFileSync(storageSettings, `[storage]\ndriver = "vfs"\n${roots}`)
      const environment = {
        CONTAINERS_STORAGE_CONF: storageSettings,
        SKIP_BUNDLE: "1",
        NODE_IMAGE: "localhost/base",
        BASE_IMAGE: "localhost/base",
        BUILD_FLAGS: "--isolation chroot --pull-never",
        PUSH_FLAGS: "--tls-verify=false"
      }
      const said = await command([join(context, "scripts/push-image"), `${registry.host}/team/service:1`], environment)
      const digest = await registry.digest("team/service", "1")
      assert.strictEqual(said, `${registry.host}/team/service@${digest}`)
    } finally {
      await registry.stop()
    }
  })

  it("runs as a user without rights, and has a health check", async () => {
    const { Cmd, Healthcheck, User } = await configOf()
    assert.strictEqual(User, "1001:1001")
    assert.strictEqual(Healthcheck.Test[0], "CMD")
    assert.deepStrictEqual(Cmd, ["serve"])
  })

  it("adds no more than the bundle, node and the authorities", async () => {
    const container = await buildah("from", "--pull-never", "localhost/first")
    const mounted = await buildah("mount", container)
    assert.strictEqual(await command(["ls", join(mounted, "app")]), "LICENSE\njobforge.mjs")
    const authorities = readFileSync(join(mounted, "etc/ssl/certs/ca-certificates.crt"), "utf8")
    assert.isAbove(authorities.split("-----BEGIN CERTIFICATE-----").length, 50)
    const sizes = ["app/jobforge.mjs", "etc/ssl/certs/ca-certificates.crt"].map(
      (path) => statSync(join(mounted, path)).size
    )
    assert.isBelow(Math.max(...sizes), 8 * 2 ** 20)
    await buildah("rm", container)
  })

  it("answers /health, and its health check says what that says", async () => {
    const [port = 0, consul = 0] = await freePorts(2)
    const container = await buildah("from", "--pull-never", "localhost/docker")
    const environment = [
      "SERVER_HOST=127.0.0.1",
      `SERVER_PORT=${port}`,
      "METRICS_PORT=0",
      // Nobody is there: the service runs, and says so.
      `CONSUL_HTTP_ADDR=127.0.0.1:${consul}`,
      `NOMAD_ADDR=http://127.0.0.1:${consul}`
    ]
    const flags = ["--isolation", "chroot", "--network", "host", "--cap-drop", "all"]
    const inside = ["run", ...flags, ...environment.flatMap((variable) => ["--env", variable]), container, "--"]
    const { Cmd, Entrypoint, Healthcheck } = await configOf()
    const log = join(folder, "service.log")
    const running = OwnProcess.start("buildah", [...storage, ...inside, ...Entrypoint, ...Cmd], {
      log,
      env: cleanEnvironment()
    })
    try {
      const answer = await answered(`http://127.0.0.1:${port}/health`, running, log)
      assert.strictEqual(answer.status, 503)
      assert.include(await answer.text(), '"consul":"unhealthy"')
      const probe = (target: number): Promise<boolean> =>
        buildah("run", ...flags, "--env", `SERVER_PORT=${target}`, container, "--", ...Healthcheck.Test.slice(1)).then(
          () => true,
          () => false
        )
      assert.isFalse(await probe(port))
      const healthy = createServer((request, response) => {
        response.writeHead(request.url === "/health" ? 200 : 404).end()
      })
      const [other = 0] = await freePorts(1)
      await new Promise<void>((resolve) => void healthy.listen(other, "127.0.0.1", () => resolve()))
      assert.isTrue(await probe(other))
      await new Promise((resolve) => healthy.close(resolve))
      const ids = await buildah(...inside, "node", "-p", "process.getuid() + ':' + process.getgid()")
      assert.strictEqual(ids, "1001:1001")
    } finally {
      await running.end("SIGTERM")
    }
  })
})

const Words = Schema.Array(Schema.String)
const ImageConfig = Schema.Struct({
  User: Schema.String,
  Entrypoint: Words,
  Cmd: Words,
  Healthcheck: Schema.Struct({ Test: Words })
})

const answered = async (url: string, process_: OwnProcess, log: string): Promise<Response> => {
  for (let tries = 0; tries < 150 && process_.running; tries++) {
    const answer = await fetch(url).catch(() => undefined)
    if (answer !== undefined) return answer
    await pause(100)
  }
  throw new Error(`the service does not answer: ${readFileSync(log, "utf8")}`)
}
