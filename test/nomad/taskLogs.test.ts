import { assert, describe, it } from "@effect/vitest"
import { Chunk, Effect, Fiber, Option, Stream } from "effect"
import type { ServerResponse } from "node:http"
import { nomadClient, plainNomad } from "../support/nomadClient.ts"
import { scriptedServer, type Seen } from "../support/ScriptedServer.ts"
import { bodyOf, fixture } from "./fixtures.ts"

const allocation = "0a172cba-1dad-cc1d-3ec8-57cdb24cd91b"

const served = Effect.fnUntraced(function* (answer: (request: Seen, response: ServerResponse) => void) {
  const server = yield* scriptedServer(answer)
  return { nomad: yield* nomadClient(plainNomad(server.origin)), server }
})

const recorded = (name: string) =>
  served((_, response) => {
    const answer = fixture(name)
    response.writeHead(answer.response.status, answer.response.headers)
    for (const chunk of answer.response.chunks ?? []) response.write(chunk)
    response.end(bodyOf(answer))
  })

const frame = (text: string | Uint8Array, file = "alloc/logs/main.stdout.0") =>
  JSON.stringify({ Data: Buffer.from(text).toString("base64"), File: file, Offset: 1 })

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

describe("a task's logs", () => {
  it.scoped("are all bytes so far", () =>
    Effect.gen(function* () {
      const { nomad, server } = yield* recorded("logs-framed-nofollow")
      assert.strictEqual(text(yield* nomad.logs(allocation, "main", "stdout")), "line1\nline2\nno newline\nline3\n")
      assert.strictEqual(
        server.seen[0]?.url,
        `/v1/client/fs/logs/${allocation}?task=main&type=stdout&plain=false&follow=false&origin=start&offset=0&namespace=default`
      )
    })
  )

  it.scoped("are read from an offset, from the end, and up to a limit, after which the connection is closed", () =>
    Effect.gen(function* () {
      const { nomad, server } = yield* served((_, response) => {
        response.write(`${frame("0123456789")}${frame("abcdefghij")}`)
      })
      const some = yield* nomad.logs(allocation, "main", "stderr", { origin: "end", offset: 20, limit: 13 })
      assert.strictEqual(text(some), "0123456789abc")
      assert.include(server.seen[0]?.url, "type=stderr&plain=false&follow=false&origin=end&offset=20")
      assert.strictEqual(text(yield* nomad.logs(allocation, "main", "stdout", { limit: 10 })), "0123456789")
      assert.strictEqual(text(yield* nomad.logs(allocation, "main", "stdout", { limit: 0 })), "")
    })
  )

  it.scoped("are empty for a task that wrote nothing, and for one that hasn't started", () =>
    Effect.gen(function* () {
      const silent = yield* recorded("logs-empty")
      assert.lengthOf(yield* silent.nomad.logs(allocation, "main", "stdout"), 0)
      const early = yield* recorded("logs-not-started")
      assert.lengthOf(yield* early.nomad.logs(allocation, "main", "stdout"), 0)
    })
  )

  it.scoped("are NotFound once forgotten, Unavailable while their node is, and Invalid for no such task", () =>
    Effect.gen(function* () {
      const kinds = [
        ["logs-after-gc", "NotFound"],
        ["logs-after-client-gc", "NotFound"],
        ["logs-node-down", "Unavailable"],
        ["logs-unknown-task", "Invalid"],
        ["acl-403-readonly-logs", "NotFound"]
      ] as const
      for (const [name, kind] of kinds) {
        const { nomad } = yield* recorded(name)
        assert.strictEqual((yield* Effect.flip(nomad.logs(allocation, "main", "stdout")))._tag, kind, name)
      }
    })
  )

  it.scoped("aren't mixed with the text of a late error", () =>
    Effect.gen(function* () {
      const { nomad } = yield* served((_, response) => response.end(`${frame("half")}rpc error: stream closed`))
      const error = yield* Effect.flip(nomad.logs(allocation, "main", "stdout"))
      assert.strictEqual(error._tag, "Unavailable")
      assert.strictEqual(error.detail, "rpc error: stream closed")
    })
  )

  it.scoped("survive any bytes", () =>
    Effect.gen(function* () {
      const bytes = Uint8Array.from({ length: 512 }, (_, index) => index % 256)
      const { nomad } = yield* served((_, response) => response.end(frame(bytes)))
      assert.deepStrictEqual(yield* nomad.logs(allocation, "main", "stdout"), bytes)
    })
  )
})

describe("following a task's logs", () => {
  it.scoped("gives each piece with the offset to go on from, and drops heartbeats", () =>
    Effect.gen(function* () {
      const { nomad, server } = yield* served((_, response) => {
        const [first = "", ...rest] = fixture("logs-framed-follow").response.chunks ?? []
        response.write(`${first}${rest.join("")}`)
      })
      const frames = yield* nomad.followLogs(allocation, "main", "stdout", 100).pipe(Stream.take(3), Stream.runCollect)
      assert.deepStrictEqual(
        Chunk.toReadonlyArray(frames).map(({ data, file, nextOffset }) => [text(data), file, nextOffset]),
        [
          ["line1\n", "alloc/logs/main.stdout.0", 106],
          ["line2\n", "alloc/logs/main.stdout.0", 112],
          ["no newline\nline3\n", "alloc/logs/main.stdout.0", 129]
        ]
      )
      assert.include(server.seen[0]?.url, "follow=true&origin=start&offset=100")
    })
  )

  it.scopedLive("glues what arrives in pieces, and passes a frame on at once", () =>
    Effect.gen(function* () {
      const bytes = Buffer.from(`${frame("grün ✓")}{}${frame("next", "alloc/logs/main.stdout.1")}`)
      const { nomad } = yield* served((_, response) => {
        void (async () => {
          for (const byte of bytes) {
            response.write(Buffer.from([byte]))
            await new Promise((resolve) => setImmediate(resolve))
          }
        })()
      })
      const frames = yield* nomad.followLogs(allocation, "main", "stdout", 0).pipe(Stream.take(2), Stream.runCollect)
      assert.deepStrictEqual(
        Chunk.toReadonlyArray(frames).map(({ data, file }) => [text(data), file]),
        [
          ["grün ✓", "alloc/logs/main.stdout.0"],
          ["next", "alloc/logs/main.stdout.1"]
        ]
      )
    })
  )

  it.scoped("is Unavailable when the connection ends, in the middle of a frame too", () =>
    Effect.gen(function* () {
      const { nomad } = yield* served((_, response) => response.end(`${frame("a")}${frame("b").slice(0, 20)}`))
      const seen: Array<string> = []
      const error = yield* nomad.followLogs(allocation, "main", "stdout", 0).pipe(
        Stream.runForEach(({ data }) => Effect.sync(() => seen.push(text(data)))),
        Effect.flip
      )
      assert.deepStrictEqual(seen, ["a"])
      assert.strictEqual(error._tag, "Unavailable")
      const ended = yield* served((_, response) => response.end(frame("a")))
      const end = yield* Effect.flip(Stream.runDrain(ended.nomad.followLogs(allocation, "main", "stdout", 0)))
      assert.strictEqual(end.detail, "Nomad ended the stream")
      const early = yield* recorded("logs-not-started")
      const tooEarly = yield* Effect.flip(Stream.runDrain(early.nomad.followLogs(allocation, "main", "stdout", 0)))
      assert.strictEqual(tooEarly._tag, "Unavailable")
    })
  )

  it.scoped("is NotFound once the logs are forgotten", () =>
    Effect.gen(function* () {
      const { nomad } = yield* recorded("logs-framed-after-client-gc")
      const error = yield* Effect.flip(Stream.runDrain(nomad.followLogs(allocation, "main", "stdout", 0)))
      assert.strictEqual(error._tag, "NotFound")
    })
  )

  it.scopedLive("closes the connection when it is ended", () =>
    Effect.gen(function* () {
      const { nomad, server } = yield* served((_, response) => response.write(`${frame("a")}{}`))
      const fiber = yield* Effect.fork(Stream.runDrain(nomad.followLogs(allocation, "main", "stdout", 0)))
      yield* until(() => server.seen.length === 1)
      yield* Fiber.interrupt(fiber)
      yield* until(() => server.openSockets() === 0)
    })
  )
})

describe("a file of an allocation", () => {
  it.scoped("is read whole", () =>
    Effect.gen(function* () {
      const { nomad, server } = yield* served((_, response) =>
        response.end(`${frame('{"digest":')}${frame('"sha256:1"}')}`)
      )
      const file = yield* nomad.readFile("a/b", "main/local/result.json")
      assert.deepStrictEqual(Option.map(file, text), Option.some('{"digest":"sha256:1"}'))
      assert.strictEqual(
        server.seen[0]?.url,
        "/v1/client/fs/stream/a%2Fb?path=main%2Flocal%2Fresult.json&follow=false&origin=start&offset=0&namespace=default"
      )
    })
  )

  it.scoped("is none when it, or its allocation, or its directory is gone", () =>
    Effect.gen(function* () {
      const gone = [
        [400, "stat /data/alloc/1/main/local/result.json: no such file or directory"],
        [500, "failed to list entries: open /data/alloc/1/alloc/logs: no such file or directory"],
        [404, 'Unknown allocation "00000000-0000-0000-0000-000000000000"']
      ] as const
      for (const [status, message] of gone) {
        const { nomad } = yield* served((_, response) => response.writeHead(status).end(message))
        assert.deepStrictEqual(yield* nomad.readFile("a", "x"), Option.none())
      }
      const empty = yield* served((_, response) => response.end())
      assert.deepStrictEqual(Option.map(yield* empty.nomad.readFile("a", "x"), text), Option.some(""))
    })
  )

  it.scoped("is Unavailable while its node is, and Invalid when it is a directory or too large", () =>
    Effect.gen(function* () {
      const away = yield* served((_, response) => response.writeHead(404).end("No path to node"))
      assert.strictEqual((yield* Effect.flip(away.nomad.readFile("a", "x")))._tag, "Unavailable")
      const directory = yield* served((_, response) => response.writeHead(400).end('file "x" is a directory'))
      assert.strictEqual((yield* Effect.flip(directory.nomad.readFile("a", "x")))._tag, "Invalid")
      const large = yield* served((_, response) => {
        for (let piece = 0; piece < 17; piece += 1) response.write(frame(Buffer.alloc(65_536)))
        response.end()
      })
      const error = yield* Effect.flip(large.nomad.readFile("a", "x"))
      assert.include(error.message, "larger than 1048576 bytes")
    })
  )
})

const until = (condition: () => boolean) =>
  Effect.repeat(Effect.sleep("5 millis"), { until: condition }).pipe(Effect.timeout("5 seconds"))
