import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { hostname } from "node:os"
import { startEmbeddedConsul } from "../../../src/embedded/consul/EmbeddedConsul.ts"
import { consulProgram, startRealConsul } from "../../support/RealConsul.ts"
import { ask, bodyOf, type RawAnswer } from "./rawConsul.ts"

const program = consulProgram()

/**
 * `$name` stands for what an earlier step saved. `save` names the step's index (X-Consul-Index) or the id that it
 * was given; `settle`: the real agent tells its catalog a little later.
 */
interface Step {
  readonly method: string
  readonly path: string
  readonly body?: string
  readonly save?: string
  readonly settle?: true
}

const get = (path: string, save?: string): Step => ({ method: "GET", path, ...(save === undefined ? {} : { save }) })
const put = (path: string, body: unknown = "", save?: string): Step => ({
  method: "PUT",
  path,
  body: typeof body === "string" ? body : JSON.stringify(body),
  ...(save === undefined ? {} : { save }),
  ...(path.startsWith("/v1/agent/") ? { settle: true } : {})
})
const del = (path: string): Step => ({ method: "DELETE", path })
const txn = (...ops: ReadonlyArray<Record<string, unknown>>): Step =>
  put(
    "/v1/txn",
    ops.map((KV) => ({ KV }))
  )

const node = encodeURIComponent(hostname())
const unknownId = "11111111-2222-3333-4444-555555555555"

const kvSteps: ReadonlyArray<Step> = [
  get("/v1/kv/?recurse"),
  get("/v1/kv/?keys"),
  get("/v1/kv/"),
  get("/v1/kv"),
  put("/v1/kv/a/1", "one"),
  put("/v1/kv/a/1", "one"),
  put("/v1/kv/a/2?flags=18446744073709551615", "two"),
  put("/v1/kv/b", ""),
  get("/v1/kv/a/1", "a1"),
  get("/v1/kv/a/2"),
  get("/v1/kv/?recurse"),
  get("/v1/kv/?keys&separator=/"),
  get("/v1/kv/a?keys&separator=/"),
  get("/v1/kv/a/?keys&separator=1"),
  get("/v1/kv/a/1?raw"),
  get("/v1/kv/b?raw"),
  get("/v1/kv/a?recurse&raw"),
  get("/v1/kv/a/1?stale&consistent"),
  get("/v1/kv/a/1?index=-1"),
  get("/v1/kv/a/1?index=18446744073709551616"),
  get("/v1/kv/a/1?wait=10"),
  get("/v1/kv/a/1?index=99999&wait=200ms"),
  put("/v1/kv/a/1?cas=$a1", "uno"),
  put("/v1/kv/a/1?cas=$a1", "eins"),
  put("/v1/kv/a/1?cas=18446744073709551616", "x"),
  put("/v1/kv/a/1?cas=1&acquire=x", "x"),
  put("/v1/kv/a/1?flags=x", "x"),
  put("/v1/kv/a/1?acquire=", "x"),
  put("/v1/kv/a/1?release=", "x"),
  put("/v1/kv/a/1?release=abc", "x"),
  put("/v1/kv/a%3Cb%26", "markup"),
  get("/v1/kv/a%3Cb%26"),
  put("/v1/kv/sp%20ace/%C3%A4%E2%9C%93", "x"),
  get("/v1/kv/sp?keys"),
  put("/v1/kv/x%2F%2Fy", "x"),
  get("/v1/kv//a/../b"),
  { method: "HEAD", path: "/v1/kv/a/1" },
  { method: "POST", path: "/v1/kv/a/1", body: "x" },
  { method: "OPTIONS", path: "/v1/kv/a/1" },
  del("/v1/kv/a/1?cas=x"),
  del("/v1/kv/?recurse&cas=3"),
  del("/v1/kv/"),
  del("/v1/kv/a/none?cas=7"),
  del("/v1/kv/a/2"),
  get("/v1/kv/a/?recurse"),
  get("/v1/kv/a/2"),
  del("/v1/kv/a?recurse"),
  get("/v1/kv/a?keys"),
  get("/v1/kv/b"),
  get("/v1/kv/zzz"),
  del("/v1/kv/?recurse"),
  get("/v1/kv/?recurse")
]

const txnSteps: ReadonlyArray<Step> = [
  put("/v1/txn", ""),
  put("/v1/txn", []),
  put("/v1/txn", {}),
  put("/v1/txn", [{}]),
  put("/v1/txn", "[{"),
  txn({ Verb: "set", Key: "t1", Value: "!!" }),
  txn({ Verb: "set", Key: "" }),
  txn({ Verb: "get", Key: "" }),
  txn({ Verb: "set", Key: "t", Value: "eA==", Nope: 1 }),
  txn({ Verb: "set", Key: "t", Value: "eA==", Index: "1" }),
  txn({ Verb: "set", Key: "t", Value: 5 }),
  txn({ verb: "set", key: "t", value: "eA==" }),
  txn({ Verb: "lock", Key: "t", Value: "eA==" }),
  txn({ Verb: "lock", Key: "t", Value: "eA==", Session: "abc" }),
  txn({ Verb: "lock", Key: "t", Value: "eA==", Session: unknownId }),
  txn({ Verb: "unlock", Key: "t", Value: "eA==" }),
  txn({ Verb: "unlock", Key: "t", Value: "eA==", Session: unknownId }),
  txn({ Verb: "check-index", Key: "none", Index: 1 }),
  txn({ Verb: "check-session", Key: "t", Session: "" }),
  txn({ Verb: "check-session", Key: "none", Session: "" }),
  txn(
    { Verb: "set", Key: "t2", Value: "eA==", Flags: 7 },
    { Verb: "delete", Key: "t2" },
    { Verb: "delete", Key: "none" },
    { Verb: "set", Key: "t3" },
    { Verb: "get", Key: "t3" },
    { Verb: "get-tree", Key: "t" }
  ),
  txn({ Verb: "delete-cas", Key: "t3", Index: 1 }, { Verb: "delete-cas", Key: "none", Index: 1 }),
  txn({ Verb: "set", Key: "t4", Value: "eA==" }, { Verb: "cas", Key: "t3", Value: "eA==", Index: 0 }),
  get("/v1/kv/t?recurse"),
  txn({ Verb: "delete-tree", Key: "t" }),
  get("/v1/kv/t?recurse"),
  get("/v1/txn")
]

const sessionSteps: ReadonlyArray<Step> = [
  put("/v1/session/create", "", "s1"),
  put("/v1/session/create", { TTL: "10s", Checks: [], LockDelay: 5 }, "s2"),
  put("/v1/session/create", { NodeChecks: [], LockDelay: "0s", Behavior: "delete" }, "s3"),
  put("/v1/session/create", { NodeChecks: ["nope"] }),
  put("/v1/session/create", { ServiceChecks: [{ ID: "nope" }] }),
  put("/v1/session/create", { Behavior: "frob" }),
  put("/v1/session/create", { LockDelay: "x" }),
  put("/v1/session/create", { Name: 5 }),
  put("/v1/session/create", { TTL: "25h" }),
  put("/v1/session/create", { TTL: "10" }),
  put("/v1/session/create", { Node: "" }),
  put("/v1/session/create", "{"),
  put("/v1/session/create?dc=mars", {}),
  get("/v1/session/info/$s1"),
  get("/v1/session/info/$s2"),
  get("/v1/session/info/$s3"),
  get(`/v1/session/info/${unknownId}`),
  get("/v1/session/info/"),
  get("/v1/session/node/nope"),
  get("/v1/session/create"),
  put("/v1/session/destroy/"),
  put("/v1/session/destroy/abc"),
  put("/v1/session/renew/"),
  put("/v1/session/renew/$s1"),
  put("/v1/session/renew/$s2"),
  put("/v1/kv/l/1?acquire=$s1", "1"),
  put("/v1/kv/l/2?acquire=$s2", "2"),
  put("/v1/kv/l/3?acquire=$s3", "3"),
  put("/v1/kv/l/4?acquire=$s3", "4"),
  put("/v1/kv/l/1?acquire=$s2", "2"),
  get("/v1/kv/l/?recurse"),
  txn({ Verb: "check-session", Key: "l/1", Session: "$s1" }, { Verb: "set", Key: "l/1", Value: "eA==" }),
  txn({ Verb: "unlock", Key: "l/1", Value: "eQ==", Session: "$s1" }),
  txn({ Verb: "lock", Key: "l/1", Value: "eQ==", Session: "$s2" }),
  get("/v1/kv/l/1"),
  put("/v1/session/destroy/$s3"),
  get("/v1/kv/l/?recurse"),
  get("/v1/kv/l/3"),
  put("/v1/session/destroy/$s2"),
  put("/v1/kv/l/2?acquire=$s1", "delayed"),
  txn({ Verb: "lock", Key: "l/2", Value: "eQ==", Session: "$s1" }, { Verb: "get", Key: "none" }),
  get("/v1/kv/l/?recurse"),
  put("/v1/session/destroy/$s1"),
  get("/v1/session/list"),
  get(`/v1/session/node/${node}`)
]

const check = (name: string, more: Record<string, unknown> = {}) =>
  put("/v1/agent/check/register", { Name: name, TTL: "300s", ...more })

const agentSteps: ReadonlyArray<Step> = [
  put("/v1/agent/service/register", { Name: "w1" }),
  put("/v1/agent/service/register", {
    ID: "w2-1",
    Name: "w2",
    Port: 80,
    Address: "10.0.0.1",
    Tags: ["x", "y"],
    Meta: { a: "1" },
    Checks: [{ TTL: "300s" }, { CheckID: "own", Name: "Own", TTL: "300s", Status: "passing", Notes: "n" }],
    Weights: { Passing: 3, Warning: 2 },
    EnableTagOverride: true
  }),
  put("/v1/agent/service/register", { Name: "w3", Check: {} }),
  put("/v1/agent/service/register", { Name: "w4", Check: { Interval: "5s" } }),
  put("/v1/agent/service/register", { Name: "w4", Check: { TTL: "5s", Status: "nope" } }),
  put("/v1/agent/service/register", { Name: "w4", Port: "x" }),
  put("/v1/agent/service/register", { Name: "w4", Nope: 1 }),
  put("/v1/agent/service/register", ""),
  get("/v1/agent/services"),
  get("/v1/agent/checks"),
  get("/v1/agent/service/none"),
  get("/v1/catalog/services"),
  get("/v1/catalog/service/w1"),
  get("/v1/catalog/service/w2?tag=x"),
  get("/v1/catalog/service/w2?tag=z"),
  get("/v1/catalog/service/"),
  get("/v1/health/service/w2"),
  get("/v1/health/service/w2?passing"),
  get("/v1/health/service/w2?passing=x"),
  get("/v1/health/service/none"),
  get("/v1/health/checks/w2"),
  get("/v1/health/state/critical"),
  get("/v1/health/state/foo"),
  get(`/v1/catalog/node/${node}`),
  get("/v1/catalog/node/nope"),
  get("/v1/catalog/nodes"),
  get("/v1/catalog/datacenters"),
  check("c1"),
  check(""),
  check("c2", { TTL: "" }),
  check("c2", { TTL: "x" }),
  check("c2", { ServiceID: "nope" }),
  check("c2", { TTL: "", HTTP: "http://127.0.0.1:1", Interval: "0s" }),
  check("c2", { Interval: "1s" }),
  check("c2", { Status: "frob" }),
  check("c2", { Nope: 1 }),
  check("c6", { ID: "c6x", Status: "passing", ServiceID: "w1" }),
  put("/v1/agent/check/pass/c1?note=hi"),
  put("/v1/agent/check/pass/c1?note=hi"),
  put("/v1/session/create", { Checks: ["c1"], LockDelay: "0s" }, "bound"),
  put("/v1/session/create", { NodeChecks: [], ServiceChecks: [{ ID: "own" }], LockDelay: "0s" }, "served"),
  get("/v1/session/info/$bound"),
  ...[
    { Checks: ["c1"], NodeChecks: [] },
    { NodeChecks: ["serfHealth", "c1"] },
    { NodeChecks: ["c1"] },
    { Checks: ["serfHealth", "c1"] },
    { Checks: ["serfHealth"], NodeChecks: ["c1"] },
    { Checks: null, NodeChecks: null, ServiceChecks: [] }
  ].flatMap((checks, n) => [
    put("/v1/session/create", checks, `checks${n}`),
    get(`/v1/session/info/$checks${n}`),
    put(`/v1/session/destroy/$checks${n}`)
  ]),
  get("/v1/session/info/$served"),
  put("/v1/kv/c/1?acquire=$bound", "x"),
  put("/v1/kv/c/2?acquire=$served", "x"),
  put("/v1/agent/check/warn/c1"),
  get("/v1/kv/c/1"),
  put("/v1/agent/check/fail/c1?note=bad"),
  get("/v1/kv/c/1"),
  put("/v1/session/create", { NodeChecks: ["c1"] }),
  put("/v1/agent/check/update/c1", { Status: "passing", Output: "fine" }),
  put("/v1/agent/check/update/c1", { Status: "x" }),
  put("/v1/agent/check/update/c1", ""),
  get(`/v1/health/node/${node}`),
  check("c1", { TTL: "200s", Notes: "again" }),
  get("/v1/health/state/passing"),
  put("/v1/agent/service/register", { Name: "w1", Tags: ["new"], Check: { TTL: "300s" } }),
  get("/v1/health/service/w1"),
  put("/v1/agent/service/register?replace-existing-checks", { Name: "w1", Tags: ["new"] }),
  get("/v1/health/service/w1"),
  put("/v1/agent/check/deregister/nope"),
  put("/v1/agent/check/deregister/"),
  put("/v1/agent/check/deregister/own"),
  get("/v1/kv/c/2"),
  put("/v1/agent/check/deregister/c1"),
  put("/v1/agent/service/deregister/"),
  put("/v1/agent/service/deregister/w2-1"),
  get("/v1/health/service/w2"),
  get("/v1/catalog/services"),
  put("/v1/agent/service/deregister/w1"),
  put("/v1/agent/service/deregister/w3"),
  get("/v1/catalog/service/w1"),
  get("/v1/health/state/any"),
  get("/v1/agent/members"),
  get("/v1/agent/nope"),
  get("/v1/acl/tokens"),
  get("/v1/status/leader"),
  get("/v1/status/peers"),
  put("/v1/status/leader")
]

describe.skipIf(program === undefined)("a real consul (CONSUL_BIN or PATH) and the embedded one", () => {
  const suites = { kvSteps, txnSteps, sessionSteps, agentSteps }
  for (const [name, steps] of Object.entries(suites))
    it.live(
      `answer ${name.replace("Steps", "")} requests alike`,
      () =>
        Effect.scoped(
          Effect.gen(function* () {
            const real = yield* startRealConsul(program ?? "")
            const embedded = yield* startEmbeddedConsul({ host: "127.0.0.1", port: 0 })
            const [expected, actual] = yield* Effect.all(
              [play(Number(new URL(real.address).port), steps), play(embedded.port, steps)],
              { concurrency: 2 }
            )
            for (const [index, step] of steps.entries()) {
              const title = `${index}: ${step.method} ${step.path} ${step.body?.slice(0, 200) ?? ""}`
              assert.deepStrictEqual(actual[index], expected[index], title)
            }
          })
        ),
      60_000
    )
})

const headersThatMatter = [
  "content-type",
  "x-consul-index",
  "x-consul-knownleader",
  "x-consul-lastcontact",
  "x-consul-effective-consistency",
  "allow",
  "location",
  "vary"
]

const play = Effect.fnUntraced(function* (port: number, steps: ReadonlyArray<Step>) {
  const base = yield* settled(port)
  const saved = new Map<string, string>()
  const fill = (text: string) => text.replaceAll(/\$(\w+)/g, (whole, name: string) => saved.get(name) ?? whole)
  const answers: Array<RawAnswer> = []
  for (const { method, path, body, save, settle } of steps) {
    const answer = yield* ask(port, { method, path: fill(path), ...(body === undefined ? {} : { body: fill(body) }) })
    if (save !== undefined) saved.set(save, /"ID":\s*"([^"]+)"/.exec(answer.text)?.[1] ?? indexOf(answer))
    if (settle === true) yield* Effect.sleep("60 millis")
    answers.push(answer)
  }
  const ranks = rankIndexes(answers, base)
  return answers.map((answer) => comparable(answer, ranks, [...saved.values()]))
})

/** The index after the agent's first sync with its catalog, which a check that comes and goes brings about. */
const settled = Effect.fnUntraced(function* (port: number) {
  for (const { method, path, body = "" } of [check("warm-up"), put("/v1/agent/check/deregister/warm-up")]) {
    yield* ask(port, { method, path, body })
    yield* Effect.sleep("300 millis")
  }
  const tables = ["/v1/catalog/nodes", "/v1/catalog/services", "/v1/health/state/any"]
  const answers = yield* Effect.forEach(tables, (path) => ask(port, { method: "GET", path }))
  return Math.max(...answers.map((answer) => Number(indexOf(answer))))
})

const indexOf = (answer: RawAnswer): string => answer.headers["x-consul-index"] ?? ""

const indexPattern = /"(?:CreateIndex|ModifyIndex)":\s*(\d+)/g

/** Indexes of a real Consul have gaps: their order is compared, over the whole run, not their size. */
const rankIndexes = (answers: ReadonlyArray<RawAnswer>, base: number): ReadonlyMap<number, number> => {
  const seen = new Set<number>()
  for (const answer of answers) {
    for (const [, index] of answer.text.matchAll(indexPattern)) seen.add(Number(index))
    if (indexOf(answer) !== "") seen.add(Number(indexOf(answer)))
  }
  // What the start itself wrote counts as one.
  const later = [...seen].filter((index) => index > base).toSorted((a, b) => a - b)
  return new Map([...seen].map((index) => [index, index <= base ? 0 : later.indexOf(index) + 1]))
}

const comparable = (answer: RawAnswer, ranks: ReadonlyMap<number, number>, ids: ReadonlyArray<string>) => {
  const own = (text: string) =>
    ids.reduce((all, id, n) => (id.length === 36 ? all.replaceAll(id, `<session ${n}>`) : all), text)
  const body: unknown = JSON.parse(own(JSON.stringify(bodyOf(answer))), (name, value: unknown) => {
    if (typeof value === "number" && (name === "CreateIndex" || name === "ModifyIndex")) return ranks.get(value)
    if (name !== "" && isTags(value)) return value.toSorted()
    return typeof value === "string" || typeof value === "number" ? withoutPlace(name, value) : value
  })
  const headers = headersThatMatter.map((name) => {
    const value = answer.headers[name]
    return [name, name === "x-consul-index" && value !== undefined ? ranks.get(Number(value)) : value]
  })
  return { status: answer.status, headers: Object.fromEntries(headers), body: sessionsInOrder(body) }
}

/** The node's id and the server's ports are each one's own. */
const withoutPlace = (name: string, value: string | number): unknown => {
  const nodeIds = ["ID", "id"]
  if (nodeIds.includes(name) && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(String(value))) return "<node id>"
  if (["Port", "port", "wan_join_port"].includes(name) && Number(value) > 1000) return "<port>"
  return typeof value === "string" ? value.replace(/^127\.0\.0\.1:\d+$/, "127.0.0.1:<port>") : value
}

/** Consul's catalog gathers a service's tags in a Go map, which has no order (a list of keys, the whole body, has one). */
const isTags = (value: unknown): value is ReadonlyArray<string> =>
  Array.isArray(value) && value.every((tag) => typeof tag === "string")

/** Lists of sessions are ordered by ids, which are random. */
const sessionsInOrder = (body: unknown): unknown =>
  Array.isArray(body) && JSON.stringify(body).includes('"LockDelay"')
    ? body.toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)))
    : body
