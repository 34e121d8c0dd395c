import { execFileSync } from "node:child_process"
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { Diagnosis } from "../../src/diagnosis/Diagnosis.ts"
import { generations, type McpClient } from "../server/mcpClients.ts"
import { Installation } from "./support/Installation.ts"
import { busybox, makeRepository } from "./support/repositories.ts"
import { missingPrograms, titled } from "./support/requirements.ts"

const minutes = 60_000

const hello = "#!/bin/sh\necho Hello\n"

/** Copies a file under a name that it doesn't have. */
const brokenDockerfile = `${busybox}\nCOPY helo /usr/bin/hello\nENTRYPOINT ["/usr/bin/hello"]\n`

/** What the agent knows of a job that it waited for. */
const Waited = Schema.Struct({
  ended: Schema.Boolean,
  status: Schema.String,
  digest: Schema.optional(Schema.String),
  next_action: Schema.String
})

/**
 * A coding agent that is a script: it talks to the service by MCP alone, does what the answers tell it, and mends the one
 * kind of fault that it understands. What it knows of the failure is one diagnosis.
 */
class Agent {
  readonly diagnoses: Array<Diagnosis> = []
  readonly submissions: Array<string> = []
  readonly #client: McpClient
  readonly #folder: string

  constructor(client: McpClient, folder: string) {
    this.#client = client
    this.#folder = folder
  }

  /** The digest of the published image. */
  publish(configuration: Record<string, unknown>): Effect.Effect<string> {
    return Effect.gen(this, function* () {
      const { job_id: id } = yield* this.#call("submitJob", configuration, Schema.Struct({ job_id: Schema.String }))
      this.submissions.push(id)
      const end = yield* Effect.iterate(yield* this.#wait(id), {
        while: ({ ended }) => !ended,
        body: () => this.#wait(id)
      })
      if (end.status === "SUCCEEDED") return end.digest ?? ""
      if (this.submissions.length > 3) return yield* Effect.dieMessage("the agent gave up")
      assert.include(end.next_action, "diagnoseJob")
      const diagnosis = yield* this.#call("diagnoseJob", { job_id: id }, Diagnosis)
      this.diagnoses.push(diagnosis)
      this.#mend(diagnosis)
      return yield* this.publish(configuration)
    })
  }

  #wait(id: string) {
    return this.#call("waitForJob", { job_id: id, timeout_seconds: 45 }, Waited)
  }

  #call<A, I>(name: string, given: Record<string, unknown>, schema: Schema.Schema<A, I>): Effect.Effect<A> {
    return this.#client.callTool(name, given).pipe(
      Effect.filterOrElse(
        ({ isError }) => isError !== true,
        ({ content }) => Effect.dieMessage(`${name}: ${content[0]?.text}`)
      ),
      Effect.flatMap(({ structuredContent }) => Schema.decodeUnknown(schema)(structuredContent)),
      Effect.orDie
    )
  }

  #mend({ cause, step }: Diagnosis): void {
    if (cause !== "copy-source-missing" || step?.kind !== "instruction") throw new Error(`what now? ${cause}`)
    const [, missing = ""] = /COPY\s+(\S+)/.exec(step.text) ?? []
    const meant = readdirSync(this.#folder).find((name) => isSlipOf(missing, name)) ?? ""
    const path = join(this.#folder, "Dockerfile")
    writeFileSync(path, readFileSync(path, "utf8").replace(`COPY ${missing} `, `COPY ${meant} `))
    const as = ["-c", "user.name=agent", "-c", "user.email=agent@example.com"]
    execFileSync("git", [...as, "commit", "--quiet", "--all", "--message=mend"], { cwd: this.#folder })
  }
}

/** One letter was left out. */
const isSlipOf = (written: string, name: string): boolean =>
  written !== "" && Array.from(name, (_, at) => name.slice(0, at) + name.slice(at + 1)).includes(written)

describe.skipIf(missingPrograms.length > 0)(titled("a coding agent that has nothing but MCP"), () => {
  let dev: Installation

  beforeAll(async () => {
    dev = await Installation.start()
  }, 2 * minutes)
  afterAll(() => dev?.stop(), minutes)

  for (const [name, connect] of generations) {
    it(
      `submits, reads one diagnosis, mends the Dockerfile and gets the digest: ${name}`,
      { timeout: 4 * minutes },
      () =>
        Effect.gen(function* () {
          const image = name.replaceAll(/[^a-z0-9]+/g, "-").replaceAll(/^-|-$/g, "")
          const repository = makeRepository(join(dev.folder, "repositories", image), {
            Dockerfile: brokenDockerfile,
            hello
          })
          const client = yield* connect(`http://127.0.0.1:${dev.ports.service}/mcp`)
          const agent = new Agent(client, fileURLToPath(repository))
          const digest = yield* agent.publish({
            owner: "agent",
            repo_url: repository,
            image_name: `agent/${image}`,
            image_tags: ["latest"],
            registry_url: dev.registry
          })
          assert.match(digest, /^sha256:[0-9a-f]{64}$/)
          const [first = "", second = "", ...more] = agent.submissions
          assert.isEmpty(more)
          assert.deepStrictEqual(
            agent.diagnoses.map(({ cause, job_id, phase, retryable }) => ({ cause, job_id, phase, retryable })),
            [{ cause: "copy-source-missing", job_id: first, phase: "build", retryable: false }]
          )
          const tags = yield* Effect.promise(() => dev.tags(`agent/${image}`))
          assert.deepStrictEqual(tags, { [second]: digest, latest: digest })
        }).pipe(Effect.scoped, Effect.runPromise)
    )
  }
})
