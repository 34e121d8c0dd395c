import { assert, describe, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { isObject } from "../../../src/embedded/nomad/machine/GoJson.ts"
import { nomadProgram, startRealNomad } from "../../support/RealNomad.ts"
import { at, startAgent } from "./agent.ts"
import { rawRequest, textOf } from "./rawRequest.ts"
import { scripted } from "./scriptedDriver.ts"

const program = nomadProgram()

interface Question {
  readonly method: string
  /** `<allocation>` and `<evaluation>` stand for those of the first job. */
  readonly path: string
  readonly body?: unknown
}

const get = (path: string): Question => ({ method: "GET", path })
const post = (body: unknown): Question => ({ method: "POST", path: "/v1/jobs", body })

const job = (id: string, task: object = {}, group: object = {}, changes: object = {}) => ({
  Job: {
    ID: id,
    Type: "batch",
    Datacenters: ["dc1"],
    Meta: { a: "b" },
    TaskGroups: [
      {
        Name: "main",
        RestartPolicy: { Attempts: 0, Interval: 60_000_000_000, Mode: "fail" },
        ReschedulePolicy: { Attempts: 0, Unlimited: false },
        Tasks: [{ Name: "main", Driver: "none", Resources: { CPU: 100, MemoryMB: 64 }, ...task }],
        ...group
      }
    ],
    ...changes
  }
})

const nobody = "00000000-0000-0000-0000-000000000000"

const reads: ReadonlyArray<Question> = [
  ...["", "/allocations", "/evaluations", "/summary", "/versions", "/deployments", "/deployment"].map((part) =>
    get(`/v1/job/first${part}`)
  ),
  ...["", "/allocations", "/evaluations", "/summary", "/versions"].map((part) => get(`/v1/job/nobody${part}`)),
  ...["/v1/allocation/<allocation>", "/v1/evaluation/<evaluation>", "/v1/evaluation/<evaluation>/allocations"].map(get),
  ...["allocation", "evaluation", "node"].flatMap((kind) => [get(`/v1/${kind}/xyz`), get(`/v1/${kind}/${nobody}`)]),
  ...["allocations", "evaluations", "nodes"].map((kind) => get(`/v1/${kind}?prefix=x`)),
  ...["?prefix=first", "?prefix=zzz", "?meta=true&prefix=first", "?meta=x", "?namespace=other", "?region=other"].map(
    (query) => get(`/v1/jobs${query}`)
  ),
  ...["?index=abc", "?index=1&wait=abc", "?wait=abc"].map((query) => get(`/v1/jobs${query}`)),
  ...["/v1/job/a/b/c", "/v1/nosuch", "/v1/regions", "/v1/agent/health", "/v1/job/first?namespace=other"].map(get),
  ...["?index=x", "?topic=a:b:c"].map((query) => get(`/v1/event/stream${query}`)),
  { method: "DELETE", path: "/v1/jobs" },
  { method: "PATCH", path: "/v1/jobs" },
  { method: "PATCH", path: "/v1/job/x" },
  { method: "POST", path: "/v1/nodes" },
  { method: "POST", path: "/v1/allocation/<allocation>" },
  { method: "POST", path: "/v1/evaluations" },
  { method: "GET", path: "/v1/system/gc" },
  { method: "PUT", path: "/v1/system/nope" },
  { method: "POST", path: `/v1/allocation/${nobody}/stop` },
  { method: "POST", path: "/v1/allocation/xx/stop" },
  { method: "DELETE", path: "/v1/job/never" },
  { method: "DELETE", path: "/v1/job/never?purge=x" }
]

const files: ReadonlyArray<Question> = [
  ...["path=/", "path=alloc/logs", "path=/nope"].map((query) => get(`/v1/client/fs/ls/<allocation>?${query}`)),
  ...["path=alloc/logs/main.stdout.0", "path=nope", ""].map((query) => get(`/v1/client/fs/stat/<allocation>?${query}`)),
  ...["path=alloc/logs/main.stdout.0", "path=alloc/nope", "path=alloc/logs", "", "path=../../../etc/passwd"].map(
    (query) => get(`/v1/client/fs/cat/<allocation>?${query}`)
  ),
  ...["&offset=1&limit=1", "&offset=0", "", "&offset=0&limit=x"].map((query) =>
    get(`/v1/client/fs/readat/<allocation>?path=alloc/logs/main.stdout.0${query}`)
  ),
  ...["&follow=false", "&follow=false&origin=end&offset=1", "&follow=x", "&follow=false&origin=x"].map((query) =>
    get(`/v1/client/fs/stream/<allocation>?path=alloc/logs/main.stdout.0${query}`)
  ),
  get("/v1/client/fs/stream/<allocation>?path=alloc/nope&follow=false"),
  ...["task=main&type=stdout&plain=true", "task=main&type=stdout", "task=main&type=stdout&offset=1&origin=end"].map(
    (query) => get(`/v1/client/fs/logs/<allocation>?${query}`)
  ),
  ...["task=no&type=stdout", "type=stdout", "task=main&type=foo", "task=main&type=stdout&origin=x"].map((query) =>
    get(`/v1/client/fs/logs/<allocation>?${query}`)
  ),
  ...["follow", "plain", "offset"].map((name) =>
    get(`/v1/client/fs/logs/<allocation>?task=main&type=stdout&${name}=x`)
  ),
  ...["", "0000", nobody].map((id) => get(`/v1/client/fs/logs/${id}?task=main&type=stdout&plain=true`)),
  ...["ls", "cat"].map((what) => get(`/v1/client/fs/${what}/${nobody}?path=x`)),
  get(`/v1/client/allocation/${nobody}/gc`),
  get("/v1/client/allocation/<allocation>/gc"),
  get("/v1/client/allocation/<allocation>/gc"),
  get("/v1/client/fs/logs/<allocation>?task=main&type=stdout&plain=true"),
  get("/v1/client/fs/ls/<allocation>?path=/x")
]

const registrations: ReadonlyArray<Question> = [
  ...["not json", "", "{", "{}", "[]", '"x"', "null", '{"Job": {"ID": "x"', '{"Job": {"ID": 3}}'].flatMap((body) => [
    post(body),
    { method: "POST", path: "/v1/validate/job", body }
  ]),
  ...[
    { Job: null },
    { Job: {} },
    { Job: { ID: "" } },
    { Job: { ID: "x", TaskGroups: [{ Count: "x" }] } },
    { Job: { ID: "x", TaskGroups: {} } },
    { Job: { ID: "x", Priority: 1.5 } },
    { Job: { ID: "x", Meta: { a: 1 } } },
    { Job: { ID: "x", Type: "batch" } },
    {
      Job: {
        ID: "x y",
        Type: "batchy",
        TaskGroups: [{ Name: "main", Tasks: [{ Name: "main", Resources: { CPU: 0, MemoryMB: 1 } }] }]
      }
    },
    job("e", {}, { Name: "" }),
    job("e", { Name: "" }),
    job("e", { Name: "a/b" }),
    job("e", { Driver: "" }),
    job("e", { KillTimeout: -1 }),
    job("e", { LogConfig: { MaxFiles: 0, MaxFileSizeMB: 0 } }),
    job("e", { LogConfig: { MaxFiles: 100, MaxFileSizeMB: 100 } }),
    job("e", { VolumeMounts: [{ Volume: "no", Destination: "/x" }] }),
    job("e", {}, { Volumes: { a: { Type: "host", Source: "" } } }),
    job("e", { Templates: [{}] }),
    job("e", {
      Templates: [
        { EmbeddedTmpl: "a", DestPath: "../../../x", ChangeMode: "x", Perms: "999" },
        { EmbeddedTmpl: "a", DestPath: "../../../x" }
      ]
    }),
    job("e", {}, { Constraints: [{ LTarget: "", Operand: "x", RTarget: "" }] }),
    job("e", {}, { Constraints: [{ LTarget: "${attr.x}", Operand: "=", RTarget: "" }] }),
    job("e", {}, { Constraints: [{ LTarget: "a", Operand: "version", RTarget: ">> 1" }] }),
    job("e", {}, { Constraints: [{ LTarget: "a", Operand: "semver", RTarget: ">> 1" }] }),
    job("e", {}, { Constraints: [{ LTarget: "a", Operand: "is_set", RTarget: "x" }] }),
    job("e", {}, { RestartPolicy: { Attempts: 0, Mode: "x", Interval: 1 } }),
    job("e", {}, { Count: -1 }),
    job("e", {}, { Tasks: [] }),
    job("e", {}, { EphemeralDisk: { SizeMB: 1 } }),
    job("e", {}, {}, { Priority: 500 }),
    job("e", {}, {}, { Datacenters: [""] }),
    job("e", {}, {}, { Region: "other" }),
    job("e", {}, {}, { Namespace: "other" }),
    job("e", { Vault: {} }),
    job("e", { Resources: { CPU: 10, MemoryMB: 20, MemoryMaxMB: 15, DiskMB: 3 } })
  ].flatMap((body) => [post(body), { method: "POST", path: "/v1/validate/job", body }]),
  post({ ...job("never"), EnforceIndex: true, JobModifyIndex: 9 }),
  post({ ...job("blocked/1:2"), EnforceIndex: true, JobModifyIndex: 0 }),
  post({ ...job("blocked/1:2"), EnforceIndex: true, JobModifyIndex: 0 }),
  get("/v1/job/blocked%2F1:2"),
  get("/v1/job/blocked%2F1:2/summary"),
  get("/v1/job/blocked%2F1:2/allocations"),
  { method: "DELETE", path: "/v1/job/blocked%2F1:2" },
  { method: "DELETE", path: "/v1/job/blocked%2F1:2?purge=true" },
  { method: "PUT", path: "/v1/job/other", body: job("e") }
]

/** What is in the answers of a real agent and says nothing about a job. */
const unlike = /^\.(config|member|stats|Drivers|Attributes)|SigningKeyID|Config\.|Events\[\]\.Details|ClassEligibility/

const shapeOf = (value: unknown, path = ""): ReadonlyArray<string> => {
  if (Array.isArray(value)) return [`${path}[]`, ...value.flatMap((item: unknown) => shapeOf(item, `${path}[]`))]
  if (isObject(value)) return Object.entries(value).flatMap(([key, item]) => shapeOf(item, `${path}.${key}`))
  return [`${path}: ${value === null ? "null" : typeof value}`]
}

const comparable = (text: string, json: unknown): unknown =>
  typeof json === "object" && json !== null
    ? [...new Set(shapeOf(json))].filter((line) => !unlike.test(line)).toSorted()
    : text.replaceAll(/\/[\w/-]*\/[0-9a-f-]{36}/g, "<folder>").replaceAll(/(?!0{8})[0-9a-f]{8}-[0-9a-f-]{27}/g, "<id>")

const play = Effect.fnUntraced(function* (address: string, first: unknown, questions: ReadonlyArray<Question>) {
  const ask = ({ method, path, body }: Question) => Effect.promise(() => rawRequest(`${address}${path}`, method, body))
  yield* ask(post(first))
  const finished = Effect.filterOrFail(
    ask(get("/v1/job/first/allocations")),
    ({ json }) => at(json, 0, "ClientStatus") === "complete",
    () => "the first job doesn't end"
  )
  const allocations = yield* Effect.retry(
    finished,
    Schedule.intersect(Schedule.spaced("100 millis"), Schedule.recurs(200))
  )
  const fill = (path: string) =>
    path
      .replace("<allocation>", String(at(allocations.json, 0, "ID")))
      .replace("<evaluation>", String(at(allocations.json, 0, "EvalID")))
  const answers: Array<unknown> = []
  for (const question of questions) {
    const { status, headers, text, json } = yield* ask({ ...question, path: fill(question.path) })
    answers.push({
      status,
      type: headers.get("content-type"),
      index: headers.has("x-nomad-index"),
      leader: headers.get("x-nomad-knownleader"),
      body: comparable(text, json)
    })
  }
  return answers
})

describe.skipIf(program === undefined)("a real nomad (NOMAD_BIN or PATH) and the embedded one", () => {
  for (const [name, questions] of Object.entries({ reads, files, registrations })) {
    it.live(
      `answer alike: ${name}`,
      () =>
        Effect.scoped(
          Effect.gen(function* () {
            const real = yield* startRealNomad(program ?? "")
            const embedded = yield* startAgent(scripted({ hello: { runsMs: 0, stdout: "hi\n" } }))
            const expected = yield* play(
              real,
              job("first", { Driver: "raw_exec", Config: { command: "echo", args: ["hi"] } }),
              questions
            )
            const hello = { Driver: "docker", Config: { image: "a:1", args: ["hello"] } }
            const actual = yield* play(embedded.address, job("first", hello), questions)
            for (const [index, { method, path, body }] of questions.entries()) {
              assert.deepStrictEqual(actual[index], expected[index], `${method} ${path} ${textOf(body ?? "")}`)
            }
          })
        ),
      120_000
    )
  }
})
