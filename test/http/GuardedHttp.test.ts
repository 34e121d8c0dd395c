import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, Option } from "effect"
import { type AllowList, nothingAllowed, parseAllowList } from "../../src/http/AllowList.ts"
import { GuardedHttp, type Resolver } from "../../src/http/GuardedHttp.ts"
import { TransportError } from "../../src/http/Transport.ts"
import { scriptedServer } from "../support/ScriptedServer.ts"

/** What the names of the matrix mean. */
const zone: Readonly<Record<string, ReadonlyArray<string>>> = {
  "localtest.example.com": ["127.0.0.1"],
  "internal.example.com": ["10.1.2.3"],
  "ula.example.com": ["fd12:3456::1"],
  "metadata.google.internal": ["169.254.169.254"],
  "instance-data.ec2.internal": ["fd00:ec2::254"],
  "half-public.example.com": ["93.184.216.34", "192.168.1.1"],
  "public-first.example.com": ["2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::1"],
  "mapped.example.com": ["::ffff:127.0.0.1"],
  "nat64.example.com": ["64:ff9b::7f00:1"],
  "127.0.0.1.nip.example.com": ["127.0.0.1"]
}

const fromZone: Resolver = (host) =>
  host in zone
    ? Effect.succeed(zone[host] ?? [])
    : Effect.fail(new TransportError({ reason: "connect", detail: `ENOTFOUND ${host}` }))

const postBy =
  (resolve: Resolver) =>
  (url: string, allow: AllowList = nothingAllowed, timeout = 2000) =>
    Effect.flatMap(GuardedHttp, (http) =>
      http.post({ url, allow, timeout, headers: { "x-test": "1" }, body: new TextEncoder().encode("{}") })
    ).pipe(Effect.provide(GuardedHttp.layerOf(resolve)))

const post = postBy(fromZone)

const allowing = (text: string) => Either.getOrThrow(parseAllowList(text))

/** `PORT` is that of a server on this machine's loopback address, which must never hear of any of these. */
const refused = [
  // IPv4, in every spelling that a URL has for it.
  "http://127.0.0.1:PORT/",
  "https://127.0.0.1:PORT/",
  "http://127.1:PORT/",
  "http://127.0.1:PORT/",
  "http://2130706433:PORT/",
  "http://0x7f000001:PORT/",
  "http://0x7f.0.0.1:PORT/",
  "http://0177.0.0.1:PORT/",
  "http://017700000001:PORT/",
  "http://127.0.0.1.:PORT/",
  "http://%31%32%37.0.0.1:PORT/",
  "http://①②⑦.⓪.⓪.①:PORT/",
  "http://127。0。0。1:PORT/",
  "http://127.255.255.254:PORT/",
  "http://0.0.0.0:PORT/",
  "http://0:PORT/",
  "http://0.1.2.3/",
  "http://10.0.0.1/",
  "http://012.0.0.1/",
  "http://172.16.0.1/",
  "http://172.31.255.255/",
  "http://192.168.0.1/",
  "http://3232235521/",
  "http://100.64.0.1/",
  "http://100.100.100.200/",
  "http://169.254.1.1/",
  "http://169.254.169.254/latest/meta-data/",
  "http://0xa9fea9fe/latest/meta-data/",
  "http://2852039166/",
  "http://168.63.129.16/",
  "http://192.0.0.192/",
  "http://192.0.2.1/",
  "http://192.88.99.1/",
  "http://198.18.0.1/",
  "http://198.51.100.7/",
  "http://203.0.113.7/",
  "http://224.0.0.1/",
  "http://239.255.255.250/",
  "http://240.0.0.1/",
  "http://255.255.255.255/",
  // IPv6, and what it embeds.
  "http://[::1]:PORT/",
  "http://[0:0:0:0:0:0:0:1]:PORT/",
  "http://[::]:PORT/",
  "http://[::ffff:127.0.0.1]:PORT/",
  "http://[::ffff:7f00:1]:PORT/",
  "http://[0:0:0:0:0:ffff:10.0.0.1]/",
  "http://[::127.0.0.1]:PORT/",
  "http://[::ffff:0:127.0.0.1]:PORT/",
  "http://[::ffff:169.254.169.254]/",
  "http://[64:ff9b::127.0.0.1]/",
  "http://[64:ff9b::a9fe:a9fe]/",
  "http://[64:ff9b:1::10.0.0.1]/",
  "http://[2002:7f00:1::]/",
  "http://[2002:a00:1::1]/",
  "http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",
  "http://[fe80::1]/",
  "http://[fec0::1]/",
  "http://[fc00::1]/",
  "http://[fd00:ec2::254]/",
  "http://[ff02::1]/",
  "http://[100::1]/",
  "http://[2001:db8::1]/",
  "http://[3fff::1]/",
  "http://[4000::1]/",
  // Names.
  ...Object.keys(zone).map((name) => `http://${name}:PORT/`),
  "http://LOCALTEST.example.com:PORT/",
  // No http, or more than a host.
  "ftp://93.184.216.34/",
  "file:///etc/passwd",
  "gopher://127.0.0.1:PORT/",
  "unix:///var/run/docker.sock",
  "javascript:alert(1)",
  "http://user:password@93.184.216.34/",
  "http://user@93.184.216.34/",
  "http://93.184.216.34@127.0.0.1:PORT/",
  "not a URL",
  "http://"
]

describe("the SSRF matrix", () => {
  it.scopedLive.each(refused)("%s is refused", (target) =>
    Effect.gen(function* () {
      const server = yield* scriptedServer((_, response) => response.end())
      const error = yield* Effect.flip(post(target.replace("PORT", String(server.port))))
      assert.strictEqual(error._tag, "TargetRefused")
      assert.lengthOf(server.seen, 0)
    })
  )

  it.scopedLive.each(["http://localhost:PORT/", "http://localhost.:PORT/", "http://LOCALHOST:PORT/"])(
    "%s is refused as this machine itself resolves it",
    (target) =>
      Effect.gen(function* () {
        const server = yield* scriptedServer((_, response) => response.end())
        const url = target.replace("PORT", String(server.port))
        const error = yield* Effect.flip(
          Effect.flatMap(GuardedHttp, (http) =>
            http.post({ url, allow: nothingAllowed, timeout: 5000, headers: {}, body: new Uint8Array() })
          ).pipe(Effect.provide(GuardedHttp.layer))
        )
        // A trailing dot is another name to some resolvers, and none at all to others.
        if (!target.includes("localhost.")) assert.strictEqual(error._tag, "TargetRefused")
        assert.lengthOf(server.seen, 0)
      })
  )

  it.live("a refusal says what it is about, and how it can be allowed", () =>
    Effect.gen(function* () {
      const named = yield* Effect.flip(post("http://half-public.example.com/"))
      assert.strictEqual(
        named.message,
        "the target is refused: half-public.example.com has the address 192.168.1.1, which is a private address; an operator can allow it (WEBHOOK_ALLOW)"
      )
      const literal = yield* Effect.flip(post("http://169.254.169.254/"))
      assert.include(literal.message, "169.254.169.254 is a link-local address")
    })
  )

  it.scopedLive("a name that means something else a moment later is connected to where it was looked at", () =>
    Effect.gen(function* () {
      const server = yield* scriptedServer((_, response) => response.end())
      const answers = [["192.0.64.1"], ["127.0.0.1"], ["127.0.0.1"]]
      let asked = 0
      const rebinding: Resolver = () => Effect.sync(() => answers[asked++] ?? [])
      const error = yield* Effect.flip(
        postBy(rebinding)(`http://rebind.example.com:${server.port}/`, nothingAllowed, 700)
      )
      assert.strictEqual(error._tag, "TransportError")
      assert.strictEqual(asked, 1)
      assert.lengthOf(server.seen, 0)
      assert.strictEqual(server.openSockets(), 0)
    })
  )

  it.scopedLive("the connection goes to the address that was looked at, under the name that was given", () =>
    Effect.gen(function* () {
      const server = yield* scriptedServer((_, response) => response.end())
      const mine: Resolver = () => Effect.succeed(["127.0.0.1"])
      const url = `http://receiver.example.com:${server.port}/hook?a=b%20c`
      const answer = yield* postBy(mine)(url, allowing("127.0.0.0/8"))
      assert.strictEqual(answer.status, 200)
      const [seen] = server.seen
      assert.strictEqual(seen?.headers["host"], `receiver.example.com:${server.port}`)
      assert.strictEqual(seen?.url, "/hook?a=b%20c")
      assert.strictEqual(seen?.method, "POST")
      assert.strictEqual(seen?.body, "{}")
      assert.strictEqual(seen?.headers["x-test"], "1")
    })
  )

  it.scopedLive.each([301, 302, 303, 307, 308])(
    "a redirect with %i to a private address is an answer, and no more",
    (status) =>
      Effect.gen(function* () {
        const inside = yield* scriptedServer((_, response) => response.end("secret"))
        const outside = yield* scriptedServer((_, response) => {
          response.writeHead(status, { location: `${inside.origin}/` }).end()
        })
        const answer = yield* post(`${outside.origin}/`, allowing(`127.0.0.1:${outside.port}`))
        assert.strictEqual(answer.status, status)
        assert.lengthOf(inside.seen, 0)
      })
  )
})

describe("what an operator allows", () => {
  const reaches = Effect.fnUntraced(function* (allow: string, host = "127.0.0.1") {
    const server = yield* scriptedServer((_, response) => response.end())
    const list = allowing(allow.replaceAll("PORT", String(server.port)))
    const tried = yield* Effect.either(post(`http://${host}:${server.port}/`, list))
    return Either.isRight(tried) && server.seen.length === 1
  })

  it.scopedLive.each([
    ["127.0.0.1", "127.0.0.1"],
    ["127.0.0.0/8", "127.0.0.1"],
    ["127.0.0.1:PORT", "127.0.0.1"],
    ["10.0.0.0/8, 127.0.0.1/32", "127.0.0.1"],
    ["127.0.0.0/8", "localtest.example.com"],
    ["localtest.example.com", "localtest.example.com"],
    ["LocalTest.Example.com:PORT", "localtest.example.com"],
    ["127.0.0.0/8", "mapped.example.com"]
  ])("%s lets %s be reached", ([allow, host]) =>
    Effect.gen(function* () {
      assert.isTrue(yield* reaches(allow ?? "", host))
    })
  )

  it.scopedLive.each([
    ["127.0.0.1:1", "127.0.0.1"],
    ["10.0.0.0/8", "127.0.0.1"],
    ["example.com", "localtest.example.com"],
    ["localtest.example.com:1", "localtest.example.com"],
    ["localtest.example.com", "127.0.0.1"]
  ])("%s does not let %s be reached", ([allow, host]) =>
    Effect.gen(function* () {
      assert.isFalse(yield* reaches(allow ?? "", host))
    })
  )

  it.each([
    "10.0.0.0/33",
    "::/129",
    "http://host",
    "host/8",
    "a b",
    "host:0",
    "host:70000",
    "10.0.0.1:x",
    "[::1",
    "-host"
  ])("%j is no entry", (text) => {
    const parsed = parseAllowList(`good.example.com,${text}`)
    assert.include(Either.getOrThrow(Either.flip(parsed)), `"${text}" is none`)
  })

  it("is nothing when it says nothing", () => {
    assert.deepStrictEqual(parseAllowList(" , "), Either.right(nothingAllowed))
  })

  it("may be IPv6, with a port or without", () => {
    assert.deepStrictEqual(
      parseAllowList("::1,[::1]:8080,fd00::/8"),
      Either.right({ networks: ["::1/128", "fd00::/8"], hosts: [{ host: "[::1]", port: 8080 }] })
    )
  })
})

describe("an answer", () => {
  it.scopedLive("is known by its status and when to come back, whatever follows", () =>
    Effect.gen(function* () {
      const server = yield* scriptedServer((_, response) => {
        response.writeHead(503, { "retry-after": "7" })
        response.write("x".repeat(1_000_000))
      })
      const begun = performance.now()
      const answer = yield* post(`${server.origin}/`, allowing("127.0.0.0/8"), 10_000)
      assert.deepStrictEqual(answer, { status: 503, retryAfter: Option.some("7") })
      assert.isBelow(performance.now() - begun, 3000)
      yield* Effect.sleep(50)
      assert.strictEqual(server.openSockets(), 0)
    })
  )

  it.scopedLive("that doesn't come in time is a failure", () =>
    Effect.gen(function* () {
      const server = yield* scriptedServer(() => {})
      const error = yield* Effect.flip(post(`${server.origin}/`, allowing("127.0.0.0/8"), 200))
      assert.strictEqual(error.message, "no answer within 200ms")
    })
  )
})
