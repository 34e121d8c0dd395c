import { HttpApi } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger, Predicate, Schedule } from "effect"
import { WebSocket } from "ws"
import { Api } from "../../src/api/Api.ts"
import { pathsOf } from "../../src/server/implement.ts"
import { record, setStage } from "../zoo/support/Stage.ts"
import { authenticationOf, sha256 } from "./authenticationOf.ts"
import { type Answer, httpDesk, type HttpDesk } from "./httpDesk.ts"

/** Who asks. `own` and `read` are of the job's owner, `other` of another one. */
const callers = ["none", "bad", "read", "own", "other", "admin"] as const
type CallerName = (typeof callers)[number]

const tokens = [
  { name: "read", role: "read", owners: ["zoo"] },
  { name: "own", role: "submit", owners: ["zoo"] },
  { name: "other", role: "submit", owners: ["circus"] },
  { name: "admin", role: "admin" }
].map((entry) => ({ ...entry, sha256: sha256(`token-${entry.name}`) }))

const headersOf = (caller: CallerName): Readonly<Record<string, string>> =>
  caller === "none" ? {} : { authorization: `Bearer token-${caller}` }

/** What each of those that are known is answered, in the order of `callers`. */
type Expected = readonly [read: number, own: number, other: number, admin: number]

/** Seeing: everybody who may see the job; all others learn nothing of it. */
const seen: Expected = [200, 200, 404, 200]
/** Changing something that works: not without the right, and not what isn't seen. */
const changed: Expected = [403, 200, 404, 200]
/** The same for what can't be done with a job that is over. */
const conflict: Expected = [403, 409, 404, 409]
const everybody: Expected = [200, 200, 200, 200]
/** What is done to no job that has an owner. */
const operators: Expected = [403, 403, 403, 200]

interface Route {
  readonly endpoint: string
  readonly method: "GET" | "POST" | "DELETE"
  readonly path: (id: string) => string
  readonly body?: (id: string) => unknown
  readonly expected: Expected
  /** Nobody needs a token. */
  readonly open?: true
}

const byId = (id: string) => ({ job_id: id })
const config = (image: string) => ({ job_config: record(image) })

const get = (endpoint: string, path: (id: string) => string, expected = seen): Route => ({
  endpoint,
  method: "GET",
  path,
  expected
})

const post = (endpoint: string, expected: Expected, path: (id: string) => string, body?: Route["body"]): Route => ({
  endpoint,
  method: "POST",
  path,
  expected,
  ...(body === undefined ? {} : { body })
})

/** A verb with the id in the body, and in the path. */
const verb = (name: string, word: string, expected: Expected): ReadonlyArray<Route> => [
  post(name, expected, () => `/json/${name}`, byId),
  post(
    `${name}ByPath`.replace(/^(kill|retry)Job/, "$1").replace("purgeFailedJob", "purge"),
    expected,
    (id) => `/json/job/${id}/${word}`
  )
]

/** Every endpoint that there is, by its name in the definition. */
const routes: ReadonlyArray<Route> = [
  post(
    "submitJob",
    [403, 200, 403, 200],
    () => "/json/submitJob",
    () => config("submitted")
  ),
  post(
    "postJob",
    [403, 200, 403, 200],
    () => "/jobs",
    () => record("posted")
  ),
  post("getStatus", seen, () => "/json/getStatus", byId),
  get("readStatus", (id) => `/json/job/${id}/status`),
  get("readStatus", (id) => `/json/job/${id}/status?wait=1s&index=1`),
  get("getJob", (id) => `/jobs/${id}`),
  post("getLogs", seen, () => "/json/getLogs", byId),
  get("readLogs", (id) => `/json/job/${id}/logs`),
  get("rawLogs", (id) => `/json/job/${id}/logs/raw`),
  get("followLogs", (id) => `/json/job/${id}/logs/stream`),
  get("streamLogs", (id) => `/json/streamLogs?job_id=${id}`, [426, 426, 404, 426]),
  get("events", (id) => `/json/job/${id}/events`),
  get("diagnosis", (id) => `/json/job/${id}/diagnosis`),
  ...verb("killJob", "kill", conflict),
  { endpoint: "deleteJob", method: "DELETE", path: (id) => `/jobs/${id}`, expected: conflict },
  // In this form what isn't there, or isn't seen, is an answer.
  post("cleanup", [403, 200, 200, 200], () => "/json/cleanup", byId),
  post(
    "cleanup",
    operators,
    () => "/json/cleanup",
    () => ({ all: true })
  ),
  post("cleanupByPath", changed, (id) => `/json/job/${id}/cleanup`),
  post("cleanupZombies", operators, () => "/json/cleanupZombies"),
  ...verb("purgeFailedJob", "purge", changed),
  post(
    "getHistory",
    everybody,
    () => "/json/getHistory",
    () => ({})
  ),
  get("listJobs", () => "/jobs", everybody),
  get("testEndpoint", (id) => `/json/job/${id}/test-endpoint`, [400, 400, 404, 400]),
  post(
    "testResult",
    [400, 400, 404, 400],
    (id) => `/json/job/${id}/test-result`,
    () => ({ success: true })
  ),
  ...verb("retryJob", "retry", changed),
  { ...get("health", () => "/health", everybody), open: true },
  { ...get("ready", () => "/ready", everybody), open: true },
  { ...get("openapi", () => "/openapi.json", everybody), open: true },
  { ...get("docs", () => "/docs", everybody), open: true }
]

const ask = (desk: HttpDesk, { body, method, path }: Route, id: string, caller: CallerName): Effect.Effect<Answer> => {
  const text = body === undefined ? undefined : JSON.stringify(body(id))
  return desk.ask(path(id), { method, headers: headersOf(caller), ...(text === undefined ? {} : { body: text }) })
}

const field = (value: unknown, name: string): unknown => (Predicate.isRecord(value) ? value[name] : undefined)

const theatre = Effect.gen(function* () {
  const stage = yield* setStage
  yield* stage.serve()
  const authentication = yield* authenticationOf({ AUTH_MODE: "token", AUTH_TOKENS: JSON.stringify(tokens) })
  return { stage, desk: yield* httpDesk({ consul: stage.consul, nomad: stage.nomad, authentication }) }
})

/** A job of the owner zoo, which is over. */
const endedJob = Effect.fnUntraced(function* (desk: HttpDesk, image: string) {
  const submitted = yield* ask(
    desk,
    post(
      "",
      everybody,
      () => "/json/submitJob",
      () => config(image)
    ),
    "",
    "own"
  )
  const id = String(field(submitted.json, "job_id"))
  yield* over(desk, id)
  return id
})

const over = (desk: HttpDesk, id: string) =>
  Effect.gen(function* () {
    const status = yield* desk.ask(`/json/job/${id}/status`, { headers: headersOf("admin") })
    const state = field(status.json, "status")
    return state === "SUCCEEDED" || state === "FAILED" ? true : yield* Effect.fail(status.text)
  }).pipe(
    Effect.retry(Schedule.intersect(Schedule.spaced("50 millis"), Schedule.recurs(1000))),
    Effect.orDieWith((text) => new Error(`${id} never ended: ${text}`))
  )

const quiet = Logger.remove(Logger.defaultLogger)

describe("authorization", () => {
  it("has every endpoint of the interface in its matrix", () => {
    const defined: Array<string> = []
    HttpApi.reflect(Api, {
      onGroup: () => {},
      onEndpoint: ({ endpoint }) => {
        defined.push(endpoint.name)
      }
    })
    const tried = new Set(routes.map(({ endpoint }) => endpoint))
    assert.deepStrictEqual(
      defined.filter((name) => !tried.has(name)),
      []
    )
  })

  it.scopedLive("answers each caller on each route as its role and owners say", () =>
    Effect.gen(function* () {
      const { desk } = yield* theatre
      const wrong = yield* Effect.forEach(
        routes.map((route, number) => ({ route, number })),
        ({ number, route }) => faultOf(desk, route, number),
        { concurrency: 8 }
      ).pipe(Effect.map((faults) => faults.flat()))
      assert.deepStrictEqual(wrong, [])
    }).pipe(Effect.provide(quiet))
  )

  it.scopedLive("says of another's job the same as of one that there never was", () =>
    Effect.gen(function* () {
      const { desk } = yield* theatre
      const id = yield* endedJob(desk, "hidden")
      const nobody = "00000000-0000-4000-8000-000000000000"
      for (const route of routes.filter(({ expected }) => expected[2] === 404)) {
        const others = yield* ask(desk, route, id, "other")
        const never = yield* ask(desk, route, nobody, "other")
        assert.strictEqual(others.text.replaceAll(id, "ID"), never.text.replaceAll(nobody, "ID"), route.path(":id"))
      }
    }).pipe(Effect.provide(quiet))
  )

  it.scopedLive("asks for a token under every alias, and for paths that there are not", () =>
    Effect.gen(function* () {
      const { desk } = yield* theatre
      const paths = routes
        .filter(({ open }) => open !== true)
        .flatMap(({ path }): ReadonlyArray<string> => {
          const [own = ""] = path("x").split("?")
          return own.startsWith("/json") ? pathsOf(`/${own.slice(1)}`) : [own]
        })
      for (const path of [
        ...paths,
        "/json",
        "/mcp",
        "/mcp/streamLogs",
        "/",
        "/metrics",
        "/docs/../json",
        "/nothing",
        "//health"
      ]) {
        for (const method of ["GET", "POST", "DELETE", "PUT"]) {
          const { status } = yield* desk.ask(path, { method })
          if (path !== "//health") assert.strictEqual(status, 401, `${method} ${path}`)
          else assert.oneOf(status, [401, 404], path)
        }
      }
      const preflight = yield* desk.ask("/json/killJob", { method: "OPTIONS" })
      assert.strictEqual(preflight.status, 200)
    }).pipe(Effect.provide(quiet))
  )

  it.scopedLive("lists, to each caller, the jobs of its owners alone, and counts no others", () =>
    Effect.gen(function* () {
      const { desk } = yield* theatre
      const mine = yield* endedJob(desk, "listed")
      const list = post(
        "",
        everybody,
        () => "/json/getHistory",
        () => ({})
      )
      const theirs = post(
        "",
        everybody,
        () => "/json/submitJob",
        () => ({ job_config: record("b", { owner: "circus" }) })
      )
      const other = String(field((yield* ask(desk, theirs, "", "other")).json, "job_id"))
      yield* over(desk, other)
      const listed = Effect.fnUntraced(function* (caller: CallerName) {
        const { json } = yield* ask(desk, list, "", caller)
        const jobs = field(json, "jobs")
        const rows: ReadonlyArray<unknown> = Array.isArray(jobs) ? jobs : []
        const ids = rows.map((job) => String(field(job, "job_id") ?? field(job, "id")))
        return { ids: ids.toSorted((a, b) => (a < b ? -1 : 1)), total: field(json, "total") }
      })
      assert.deepStrictEqual(yield* listed("read"), { ids: [mine], total: 1 })
      assert.deepStrictEqual(yield* listed("other"), { ids: [other], total: 1 })
      assert.deepStrictEqual(yield* listed("admin"), {
        ids: [mine, other].toSorted((a, b) => (a < b ? -1 : 1)),
        total: 2
      })
    }).pipe(Effect.provide(quiet))
  )

  it.scopedLive("holds for JSON-RPC's tools and for sockets as for everything else", () =>
    Effect.gen(function* () {
      const { desk } = yield* theatre
      const id = yield* endedJob(desk, "tool")
      yield* toolMatrix(desk, id)
      yield* socketMatrix(desk, id)
    }).pipe(Effect.provide(quiet))
  )
})

/** What a route answers to all callers, one after the other, where that is not as it is to be. */
const faultOf = Effect.fnUntraced(function* (desk: HttpDesk, route: Route, number: number) {
  const id = yield* endedJob(desk, `matrix-${number}`)
  const answers: Array<number> = []
  for (const caller of callers) {
    const { headers, json, status } = yield* ask(desk, route, id, caller)
    answers.push(status)
    if (status === 401) {
      assert.match(headers.get("www-authenticate") ?? "", /^Bearer realm="jobforge"/, route.endpoint)
      assert.strictEqual(field(json, "code"), 401)
    }
    if (status === 403) assert.strictEqual(field(json, "code"), 403, route.endpoint)
    // What somebody did with the job must be over before the next one tries.
    if (route.endpoint.startsWith("retry") && status === 200) yield* over(desk, id)
  }
  const strangers = route.open === true ? [200, 200] : [401, 401]
  const expected = [...strangers, ...route.expected].join(" ")
  const seen = answers.join(" ")
  return seen === expected ? [] : [`${route.method} ${route.path(":id")}: ${seen}, not ${expected}`]
})

const toolMatrix = Effect.fnUntraced(function* (desk: HttpDesk, id: string) {
  const call = (name: string, caller: CallerName) =>
    desk.ask("/json", {
      method: "POST",
      headers: { ...headersOf(caller), "content-type": "application/json" },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name, arguments: byId(id) } })
    })
  for (const name of [
    "getStatus",
    "getLogs",
    "killJob",
    "retryJob",
    "cleanup",
    "purgeFailedJob",
    "diagnoseJob",
    "waitForJob"
  ]) {
    for (const caller of ["none", "bad"] as const) assert.strictEqual((yield* call(name, caller)).status, 401, name)
    const { text } = yield* call(name, "other")
    assert.match(text, /not found/i, `${name}: ${text}`)
    // What a tool says of a job that is seen has its owner in it, or what can't be done with it.
    assert.notMatch(text, /"owner"|git\.example\.com/, name)
  }
  for (const name of ["killJob", "retryJob", "purgeFailedJob", "cleanup"]) {
    assert.match((yield* call(name, "read")).text, /no right/i, name)
  }
  const sweep = (caller: CallerName) =>
    desk.ask("/json", {
      method: "POST",
      headers: { ...headersOf(caller), "content-type": "application/json" },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "cleanupZombies" } })
    })
  for (const caller of ["none", "bad"] as const) assert.strictEqual((yield* sweep(caller)).status, 401)
  for (const caller of ["read", "own", "other"] as const)
    assert.match((yield* sweep(caller)).text, /takes the role admin/)
  assert.match((yield* sweep("admin")).text, /Cleanup completed/)
  assert.match((yield* call("getStatus", "read")).text, /SUCCEEDED/)
})

const socketMatrix = Effect.fnUntraced(function* (desk: HttpDesk, id: string) {
  const open = (caller: CallerName) =>
    Effect.async<string>((resume) => {
      const socket = new WebSocket(`${desk.url.replace("http", "ws")}/json/streamLogs?job_id=${id}`, {
        headers: headersOf(caller)
      })
      socket.once("unexpected-response", (_request, response) => {
        resume(Effect.succeed(String(response.statusCode)))
        socket.terminate()
      })
      socket.once("error", () => resume(Effect.succeed("error")))
      socket.once("close", (code) => resume(Effect.succeed(`closed ${code}`)))
      return Effect.sync(() => socket.terminate())
    }).pipe(Effect.timeoutTo({ duration: "10 seconds", onSuccess: (answer) => answer, onTimeout: () => "hangs" }))
  const answers: Array<string> = []
  for (const caller of callers) answers.push(yield* open(caller))
  assert.deepStrictEqual(answers, ["401", "401", "closed 1000", "closed 1000", "404", "closed 1000"])
})
