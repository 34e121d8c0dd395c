import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger, Predicate, Schema } from "effect"
import { endlessRef } from "../../scripts/chaos/modelDriver.ts"
import { type JobForgeError, JobForge, type JobInput } from "../../src/client/entry.ts"
import { minimal } from "../domain/records.ts"
import { setStage } from "../zoo/support/Stage.ts"
import { httpDesk, type HttpDesk, toJson } from "./httpDesk.ts"

/** What an interface says to a configuration: that it is a job, or all that is wrong with it. */
type Verdict = "accepted" | Array<string>

const base = { ...minimal, git_ref: endlessRef }
const secret = { path: "secret/data/app", fields: { token: "TOKEN" } }

/** The examples of the service's documentation, and what its predecessor took silently. */
const cases: Readonly<Record<string, unknown>> = {
  "the four required fields": base,
  "job_config around it": { job_config: base },
  "jobConfig around it": { jobConfig: base },
  "an empty list of tags": { ...base, image_tags: [] },
  "tags as a JSON array in a text": { ...base, image_tags: '["a","b"]' },
  "one tag as a text": { ...base, image_tags: "v1.2.3" },
  "earlier names of the test's fields": { ...base, test_commands: ["true"], test_entry_point: true },
  "policies without secrets": { ...base, test: { commands: ["true"], vault_policies: ["app"] } },
  "two secrets": { ...base, test: { commands: ["true"], vault_policies: ["app"], vault_secrets: [secret, secret] } },
  "a Dockerfile in a folder": { ...base, dockerfile_path: "myapp/Dockerfile", dockerfile_context: "myapp/" },
  "durations in both spellings": {
    ...base,
    build_timeout: "30m",
    test: { entry_point: true, timeout: 900_000_000_000 }
  },
  "limits as numbers and texts": { ...base, resource_limits: { cpu: 2000, memory: "4096", build: { cpu: "4000" } } },
  "no owner": { ...base, owner: undefined },
  "no repo_url": { ...base, repo_url: undefined },
  "no image_name": { ...base, image_name: undefined },
  "no registry_url": { ...base, registry_url: undefined },
  "secrets without policies": { ...base, test: { commands: ["true"], vault_secrets: [secret] } },
  "a secret without a path": { ...base, test: { vault_policies: ["app"], vault_secrets: [{ ...secret, path: "" }] } },
  "a secret without fields": { ...base, test: { vault_policies: ["app"], vault_secrets: [{ ...secret, fields: {} }] } },
  "a context outside the repository": { ...base, dockerfile_context: "../etc/passwd" },
  "an absolute context": { ...base, dockerfile_context: "/absolute/path" },
  "a misspelt field": { ...base, tets: { commands: ["true"] } },
  "both spellings of a field, with different values": { ...base, test_entry_point: true, test: { entry_point: false } },
  "a limit with a unit": { ...base, resource_limits: { cpu: "2000MHz" } },
  "an option in the place of a ref": { ...base, git_ref: "--upload-pack=x" },
  "several faults at once": { ...base, image_name: "A", registry_url: "https://x", image_tags: ["-"], colour: "red" },
  "no object": [],
  nothing: {}
}

const given = (config: unknown): unknown => JSON.parse(JSON.stringify(config))

const Errors = Schema.Struct({
  errors: Schema.Array(Schema.Struct({ path: Schema.String, message: Schema.String }))
})

const line = ({ message, path }: { readonly path: string; readonly message: string }) => `${path}: ${message}`

const overRest = (desk: HttpDesk, config: unknown): Effect.Effect<Verdict> =>
  Effect.map(desk.post("/json/submitJob", toJson(config)), ({ json, status }) =>
    status === 200 ? "accepted" : Schema.decodeUnknownSync(Errors)(json).errors.map(line)
  )

const overClient = (forge: JobForge, config: JobInput): Effect.Effect<Verdict> =>
  Effect.promise(() =>
    forge.submitJob(config).then(
      (): Verdict => "accepted",
      (error: JobForgeError) => (error._tag === "JobInvalid" ? error.errors.map(line) : [error.message])
    )
  )

/** A tool has the faults as sentences: all of these are in what it answers, or it is a job. */
const overTool = (desk: HttpDesk, path: string, config: unknown) =>
  desk.post(
    path,
    { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "submitJob", arguments: config } },
    { "content-type": "application/json", accept: "application/json, text/event-stream" }
  )

const isJobInput = (value: unknown): value is JobInput => Predicate.isRecord(value)

describe("one validation for every interface", () => {
  it.scopedLive(
    "says the same to the same configuration over REST, by the client, by JSON-RPC, by MCP and as a record",
    () =>
      Effect.gen(function* () {
        const stage = yield* setStage
        yield* stage.serve()
        const desk = yield* httpDesk({ consul: stage.consul, nomad: stage.nomad })
        const forge = new JobForge(desk.url)
        for (const [index, [title, example]] of Object.entries(cases).entries()) {
          const config = given(example)
          const rest = yield* overRest(desk, config)
          yield* Effect.orDie(stage.consul.put(`jobforge-service/jobs/case-${index}`, toJson(config)))
          const { config: run, errors = [] } = yield* stage.until(`case-${index}`, () => true)
          assert.deepStrictEqual(run === undefined ? errors.map(line) : "accepted", rest, title)
          if (isJobInput(config) && !("job_config" in config) && !("jobConfig" in config)) {
            assert.deepStrictEqual(yield* overClient(forge, config), rest, title)
          }
          if (!Predicate.isRecord(config)) continue
          for (const path of ["/json", "/mcp"]) {
            const said = stringsIn((yield* overTool(desk, path, config)).json).join("\n")
            if (rest === "accepted") assert.match(said, /"job_id": "[0-9a-f-]{36}"/, `${title} at ${path}: ${said}`)
            else {
              assert.notInclude(said, "job_id", title)
              for (const fault of rest)
                assert.include(said, fault.slice(fault.indexOf(": ") + 2), `${title} at ${path}`)
            }
          }
        }
      }).pipe(Effect.provide(Logger.remove(Logger.defaultLogger))),
    60_000
  )
})

/** All texts of an answer, wherever they stand. */
const stringsIn = (value: unknown): ReadonlyArray<string> => {
  if (Predicate.isString(value)) return [value]
  if (Array.isArray(value)) return value.flatMap(stringsIn)
  return Predicate.isRecord(value) ? Object.values(value).flatMap(stringsIn) : []
}
