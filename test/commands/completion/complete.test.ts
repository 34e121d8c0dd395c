import { createServer } from "node:http"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Logger, TestClock } from "effect"
import { JobForge } from "../../../src/client/JobForge.ts"
import { CommandError } from "../../../src/commands/CommandError.ts"
import { complete } from "../../../src/commands/completion/complete.ts"
import { completion } from "../../../src/commands/completion/completion.ts"
import { completionScript, shells } from "../../../src/commands/completion/completionScript.ts"
import { Io } from "../../../src/commands/Io.ts"
import { Consul } from "../../../src/consul/Consul.ts"
import { makeProgram } from "../../../src/commands/makeProgram.ts"
import { httpDesk } from "../../server/httpDesk.ts"
import { embeddedConsul } from "../../support/embeddedConsul.ts"
import { recordedIo } from "../support/recordedIo.ts"

const words = Effect.fnUntraced(function* (kind: string, client: Effect.Effect<JobForge, CommandError, Io>) {
  const recorded = recordedIo()
  yield* Effect.provideService(complete(kind, client), Io, recorded.io)
  assert.strictEqual(recorded.err(), "")
  return recorded.out()
})

const failing = Effect.fail(new CommandError({ message: "no such service", exitCode: 5 }))

/** A service that answers every request with this, and its client. */
const serviceOf = (status: number, body: unknown) =>
  Effect.acquireRelease(
    Effect.async<{ readonly client: JobForge; readonly close: () => void }>((resume) => {
      const server = createServer((_, response) => {
        response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body))
      })
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        const port = typeof address === "object" && address !== null ? address.port : 0
        const client = new JobForge({ baseUrl: `http://127.0.0.1:${port}` })
        resume(Effect.succeed({ client, close: () => server.close() }))
      })
    }),
    ({ close }) => Effect.sync(close)
  )

describe("complete", () => {
  it.effect("lists the fields of a record without a service", () =>
    Effect.gen(function* () {
      const fields = yield* words("fields", failing)
      assert.includeMembers(fields.split("\n"), ["owner", "test.vault_secrets.path", "resource_limits.build.cpu"])
    })
  )

  it.scopedLive("is silent where the service fails, isn't there, or is not what it seems", () =>
    Effect.gen(function* () {
      const broken = yield* serviceOf(500, { error: "boom" })
      const strange = yield* serviceOf(200, { jobs: "none" })
      const warning = Effect.zipRight(
        Effect.flatMap(Io, ({ err }) => err("Warning: Consul")),
        failing
      )
      assert.strictEqual(yield* words("job-ids", failing), "")
      assert.strictEqual(yield* words("job-ids", warning), "")
      assert.strictEqual(yield* words("job-ids", Effect.die("bug")), "")
      assert.strictEqual(yield* words("job-ids", Effect.succeed(broken.client)), "")
      assert.strictEqual(yield* words("job-ids", Effect.succeed(strange.client)), "")
      assert.strictEqual(yield* words("nonsense", Effect.succeed(broken.client)), "")
    })
  )

  it.scopedLive("lists recent jobs by what other commands take", () =>
    Effect.gen(function* () {
      const { url } = yield* httpDesk({ consul: yield* Consul })
      const client = new JobForge({ baseUrl: url })
      assert.strictEqual(yield* words("job-ids", Effect.succeed(client)), "")
      const submitted = yield* Effect.promise(() => client.submitJob(job))
      // What is submitted shows once the replica has seen it in Consul.
      const listed = yield* words("job-ids", Effect.succeed(client)).pipe(
        Effect.delay("50 millis"),
        Effect.repeat({ until: (text) => text !== "" }),
        Effect.timeout("20 seconds")
      )
      assert.strictEqual(listed, `${submitted.job_id}\n`)
    }).pipe(Effect.provide(Layer.merge(embeddedConsul, Logger.remove(Logger.defaultLogger))))
  )

  it.effect("gives up after a second", () =>
    Effect.gen(function* () {
      const waiting = yield* Effect.fork(words("job-ids", Effect.never))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(waiting), "")
    })
  )
})

describe("completion", () => {
  it.effect("writes the script of a shell, and refuses others", () =>
    Effect.gen(function* () {
      const { program } = makeProgram("1.2.3", () => Promise.resolve())
      for (const shell of shells) {
        const recorded = recordedIo()
        yield* Effect.provideService(completion(program, shell), Io, recorded.io)
        assert.strictEqual(recorded.out(), completionScript(program, shell))
      }
      const refused = yield* Effect.flip(Effect.provideService(completion(program, "tcsh"), Io, recordedIo().io))
      assert.deepStrictEqual([refused.exitCode, refused.message], [2, '"tcsh" is none of bash, zsh, fish'])
    })
  )
})

const job = {
  owner: "zoo",
  repo_url: "https://git.example.com/zoo/app.git",
  image_name: "zoo/app",
  registry_url: "registry.example.com:5000"
}
