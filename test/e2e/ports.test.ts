import { spawn } from "node:child_process"
import { createServer, type Server } from "node:net"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { bundle } from "../../scripts/build.ts"
import { freePorts } from "../../scripts/demo/server.ts"
import { missingPrograms, titled } from "./support/requirements.ts"

describe.skipIf(missingPrograms.length > 0)(titled("jobforge dev on a machine whose ports are taken"), () => {
  const folder = mkdtempSync(join(tmpdir(), "jobforge-ports-"))
  const program = join(folder, "jobforge.mjs")
  let taken: Server
  let port = 0

  beforeAll(async () => {
    await bundle(program)
    taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", () => resolve()))
    const address = taken.address()
    port = typeof address === "object" && address !== null ? address.port : 0
  }, 60_000)

  afterAll(() => {
    taken.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const run = (
    args: ReadonlyArray<string>,
    env: Readonly<Record<string, string>> = {}
  ): Promise<{ readonly code: number | null; readonly stderr: string }> =>
    new Promise((resolve) => {
      const child = spawn(process.execPath, [program, ...args], {
        stdio: ["ignore", "ignore", "pipe"],
        env: { ...process.env, ...env }
      })
      let stderr = ""
      child.stderr.on("data", (chunk: Buffer) => {
        stderr += chunk.toString()
      })
      child.once("exit", (code) => resolve({ code, stderr }))
    })

  it("names the variable whose value can't be used, and repeats no secret", async () => {
    const { code, stderr } = await run(["serve"], {
      CONSUL_HTTP_ADDR: "nope://canary-token-1",
      CONSUL_HTTP_TOKEN: "canary-token-1"
    })
    assert.strictEqual(code, 1)
    assert.match(stderr, /^Error: .*CONSUL_HTTP_ADDR.*unknown scheme/)
    assert.notInclude(stderr, "canary-token-1")
  })

  it.each(["--port", "--consul-port", "--nomad-port", "--registry-port"])(
    "names the port that %s gives, and ends",
    { timeout: 60_000 },
    async (flag) => {
      const ports = await freePorts(join(folder, "ports"))
      const flags = new Map([
        ["--port", ports.service],
        ["--consul-port", ports.consul],
        ["--nomad-port", ports.nomad],
        ["--registry-port", ports.registry],
        [flag, port]
      ])
      const args = ["dev", "--data", join(folder, "data"), ...[...flags].flat().map(String)]
      const { code, stderr } = await run(args)
      assert.strictEqual(code, 1)
      assert.match(stderr, new RegExp(`^Error: .*127\\.0\\.0\\.1:${port}: the port is taken`, "m"))
    }
  )

  it("refuses a port that is none", async () => {
    const { code, stderr } = await run(["dev", "--port", "web"])
    assert.strictEqual(code, 2)
    assert.include(stderr, "a port is a whole number from 1 to 65535")
  })

  it("says that no registry answers where one was named", async () => {
    const { code, stderr } = await run(["dev", "--data", join(folder, "data"), "--registry", `127.0.0.1:${port}`])
    assert.strictEqual(code, 1)
    assert.include(stderr, `no container registry answers at http://127.0.0.1:${port}/v2/`)
  })
})
