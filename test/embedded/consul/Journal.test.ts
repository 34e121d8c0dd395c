import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { spawn } from "node:child_process"
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { applyCommand } from "../../../src/embedded/consul/applyCommand.ts"
import type { ConsulCommand } from "../../../src/embedded/consul/ConsulCommand.ts"
import type { ConsulState } from "../../../src/embedded/consul/ConsulState.ts"
import { startEmbeddedConsul } from "../../../src/embedded/consul/EmbeddedConsul.ts"
import { Journal } from "../../../src/embedded/consul/Journal.ts"
import { snapshotLines } from "../../../src/embedded/consul/snapshot.ts"
import { ask, toJson } from "./rawConsul.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "jobforge-consul-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true }))
)

const put = (key: string, text: string): ConsulCommand => ({
  _tag: "KvPut",
  key,
  value: Buffer.from(text).toString("base64"),
  flags: "0"
})

const write = (journal: Journal, from: ConsulState, all: ReadonlyArray<ConsulCommand>): ConsulState => {
  let state = from
  for (const [now, command] of all.entries()) {
    journal.append(command, now)
    state = applyCommand(state, command, now).state
  }
  return state
}

const picture = (state: ConsulState): string => [...snapshotLines(state)].join("")

it.scoped("comes back as it was, without a line that was cut off", () =>
  Effect.gen(function* () {
    const path = yield* folder
    const first = Journal.open(path)
    const state = write(first.journal, first.state, [put("a", "1"), put("b", "2"), { _tag: "KvDelete", key: "a" }])
    yield* Effect.promise(() => first.journal.close())
    appendFileSync(join(path, "journal-0.jsonl"), '{"at":4,"command":{"_tag":"KvPut","key":"c","val')
    const second = Journal.open(path)
    assert.strictEqual(picture(second.state), picture(state))
    const more = write(second.journal, second.state, [put("d", "4")])
    yield* Effect.promise(() => second.journal.close())
    const third = Journal.open(path)
    assert.strictEqual(picture(third.state), picture(more))
    yield* Effect.promise(() => third.journal.close())
  })
)

it.scoped("refuses a damaged line in the middle by file and line", () =>
  Effect.gen(function* () {
    const path = yield* folder
    const { journal, state } = Journal.open(path)
    write(journal, state, [put("a", "1"), put("b", "2"), put("c", "3")])
    yield* Effect.promise(() => journal.close())
    const file = join(path, "journal-0.jsonl")
    writeFileSync(file, readFileSync(file, "utf8").replace('"key":"b"', '"kee":"b"'))
    const error = yield* Effect.flip(Effect.scoped(startEmbeddedConsul({ host: "127.0.0.1", port: 0, data: path })))
    assert.strictEqual(error._tag, "StoredStateError")
    assert.include(error.message, `${file}: line 2 is damaged`)
  })
)

it.scoped("starts a new journal from a snapshot when the old one has grown large", () =>
  Effect.gen(function* () {
    const path = yield* folder
    const { journal, state } = Journal.open(path)
    const many = Array.from({ length: 500 }, (_, n) => put(`key/${n}`, "x".repeat(100)))
    const before = write(journal, state, many)
    journal.compactIfLarge(before, 1000)
    const after = write(journal, before, [put("key/7", "later"), { _tag: "KvDelete", key: "key/8" }])
    yield* Effect.promise(() => journal.close())
    assert.deepStrictEqual(readdirSync(path).toSorted(), ["journal-1.jsonl", "snapshot-1.jsonl"])
    const reopened = Journal.open(path)
    assert.strictEqual(picture(reopened.state), picture(after))
    yield* Effect.promise(() => reopened.journal.close())
  })
)

it.scoped("takes the old files where a snapshot was never finished", () =>
  Effect.gen(function* () {
    const path = yield* folder
    const { journal, state } = Journal.open(path)
    const before = write(journal, state, [put("a", "1")])
    yield* Effect.promise(() => journal.close())
    writeFileSync(join(path, "snapshot.tmp"), "half")
    writeFileSync(join(path, "journal-1.jsonl"), `${toJson({ at: 9, command: put("b", "2") })}\n`)
    const reopened = Journal.open(path)
    assert.strictEqual(picture(reopened.state), picture(applyCommand(before, put("b", "2"), 9).state))
    yield* Effect.promise(() => reopened.journal.close())
  })
)

it.scopedLive("gives a folder to one server at a time", () =>
  Effect.gen(function* () {
    const path = yield* folder
    const start = startEmbeddedConsul({ host: "127.0.0.1", port: 0, data: path })
    yield* Effect.scoped(start)
    yield* start
    const error = yield* Effect.flip(Effect.scoped(start))
    assert.include(error.message, `${path}: another process uses it`)
  })
)

it.live(
  "loses nothing that was answered when its process is killed",
  () =>
    Effect.scoped(
      Effect.gen(function* () {
        const path = yield* folder
        const program = fileURLToPath(new URL("consulProcess.ts", import.meta.url))
        const child = spawn(process.execPath, ["--import", "tsx", program, path], {
          stdio: ["ignore", "pipe", "inherit"]
        })
        const port = yield* Effect.async<number>((resume) => {
          child.stdout.once("data", (text: Buffer) => resume(Effect.succeed(Number(text.toString()))))
        })
        const create = toJson({ TTL: "10s", LockDelay: "0s" })
        const created = yield* ask(port, { method: "PUT", path: "/v1/session/create", body: create })
        const session = /[0-9a-f-]{36}/.exec(created.text)?.[0] ?? ""
        yield* ask(port, { method: "PUT", path: `/v1/kv/lock?acquire=${session}`, body: "held" })
        const answered: Array<string> = []
        const writing = yield* Effect.fork(
          Effect.forEach(
            Array.from({ length: 100_000 }, (_, n) => `k/${n}`),
            (key) =>
              ask(port, { method: "PUT", path: `/v1/kv/${key}`, body: key }).pipe(Effect.map(() => answered.push(key)))
          ).pipe(Effect.catchAllCause(() => Effect.void))
        )
        yield* Effect.sleep("500 millis")
        child.kill("SIGKILL")
        yield* writing.await
        const { port: next } = yield* startEmbeddedConsul({ host: "127.0.0.1", port: 0, data: path })
        const kept = yield* ask(next, { method: "GET", path: "/v1/kv/k/?keys" })
        assert.isAbove(answered.length, 50)
        const keys = [...kept.text.matchAll(/"([^"]+)"/g)].map(([, key]) => key)
        assert.includeMembers(keys, answered)
        const lock = yield* ask(next, { method: "GET", path: "/v1/kv/lock" })
        assert.include(lock.text, session)
        const renewed = yield* ask(next, { method: "PUT", path: `/v1/session/renew/${session}` })
        assert.strictEqual(renewed.status, 200)
      })
    ),
  30_000
)
