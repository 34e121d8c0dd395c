import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Redacted, TestClock } from "effect"
import { ActingToken } from "../../src/consul/ActingToken.ts"
import { Denied, Unavailable } from "../../src/http/ApiError.ts"
import type { Authentication } from "../../src/server/Authentication.ts"
import { eventually } from "../support/eventually.ts"
import { authenticationOf, sha256 } from "./authenticationOf.ts"

const entry = (name: string, token = `token of ${name}`) => ({ name, sha256: sha256(token), role: "admin" })

const bearer = (name: string) => ({ authorization: `Bearer token-of-${name}` })

const listOf = (...names: ReadonlyArray<string>) => JSON.stringify(names.map((name) => entry(name, `token-of-${name}`)))

/** The caller's name, or why there is none. */
const who = (
  { identify }: Authentication["Type"],
  headers: Readonly<Record<string, string>>
): Effect.Effect<string | undefined> =>
  Effect.match(identify(headers), {
    onFailure: ({ why }) => why,
    onSuccess: ({ caller }) => Option.getOrUndefined(caller)?.name
  })

const folder = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "jobforge-auth-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true, force: true }))
)

describe("Authentication", () => {
  it.scoped("asks nobody unless it is told to", () =>
    Effect.gen(function* () {
      const authentication = yield* authenticationOf({})
      assert.isUndefined(yield* who(authentication, {}))
      assert.isUndefined(yield* who(authentication, bearer("ann")))
    })
  )

  it.scoped("knows whom a token was given to, and lets in nothing that only looks like one", () =>
    Effect.gen(function* () {
      const authentication = yield* authenticationOf({ AUTH_MODE: "token", AUTH_TOKENS: listOf("ann", "bob") })
      assert.strictEqual(yield* who(authentication, bearer("bob")), "bob")
      assert.strictEqual(yield* who(authentication, { authorization: "bearer  token-of-ann " }), "ann")
      assert.strictEqual(yield* who(authentication, bearer("cid")), "unknown")
      // The hash is what lies in the settings: it must not open anything.
      assert.strictEqual(yield* who(authentication, { authorization: `Bearer ${sha256("token-of-ann")}` }), "unknown")
      for (const authorization of ["", "token-of-ann", "Basic token-of-ann", "Bearer", "Bearer token-of-ann x"]) {
        assert.strictEqual(yield* who(authentication, { authorization }), "none", authorization)
      }
    })
  )

  it.scoped("lets nobody in while there is no good list", () =>
    Effect.gen(function* () {
      const environment = { AUTH_MODE: "token", AUTH_TOKENS: "" }
      const authentication = yield* authenticationOf(environment)
      assert.strictEqual(yield* who(authentication, bearer("ann")), "unknown")
      environment.AUTH_TOKENS = "[{}]"
      assert.strictEqual(yield* who(authentication, bearer("ann")), "unknown")
      environment.AUTH_TOKENS = listOf("ann")
      assert.strictEqual(yield* who(authentication, bearer("ann")), "ann")
      // A slip of the pen later on locks nobody out.
      environment.AUTH_TOKENS = listOf("bob").slice(1)
      assert.strictEqual(yield* who(authentication, bearer("ann")), "ann")
      environment.AUTH_TOKENS = listOf("bob")
      assert.strictEqual(yield* who(authentication, bearer("ann")), "unknown")
      assert.strictEqual(yield* who(authentication, bearer("bob")), "bob")
    })
  )

  it.scopedLive("follows the file that the tokens are in, beside those of the settings", () =>
    Effect.gen(function* () {
      const file = join(yield* folder, "tokens.json")
      const authentication = yield* authenticationOf({
        AUTH_MODE: "token",
        AUTH_TOKENS: listOf("ops"),
        AUTH_TOKENS_FILE: file
      })
      assert.strictEqual(yield* who(authentication, bearer("ops")), "ops")
      const becomes = (name: string, caller: string) =>
        eventually(
          `${name} is ${caller}`,
          Effect.map(who(authentication, bearer(name)), (found) => found === caller)
        )
      yield* Effect.promise(() => writeFile(file, listOf("ann")))
      yield* becomes("ann", "ann")
      yield* Effect.promise(() => writeFile(file, "[half"))
      yield* Effect.sleep("2500 millis")
      yield* becomes("ann", "ann")
      yield* Effect.promise(() => writeFile(file, listOf("bob")))
      yield* becomes("bob", "bob")
      yield* becomes("ann", "unknown")
    })
  )

  it.scoped("asks Consul about sixteen tokens at once, however many are made up", () =>
    Effect.gen(function* () {
      const load = { now: 0, most: 0 }
      const authentication = yield* authenticationOf(
        { AUTH_MODE: "consul" },
        {
          tokenSelf: () =>
            Effect.acquireUseRelease(
              Effect.sync(() => (load.most = Math.max(load.most, ++load.now))),
              () =>
                Effect.zipRight(Effect.yieldNow(), new Denied({ system: "consul", operation: "acl.self", detail: "" })),
              () => Effect.sync(() => void (load.now -= 1))
            )
        }
      )
      const made = Array.from({ length: 200 }, (_, index) =>
        who(authentication, { "x-consul-token": `made-up-${index}` })
      )
      const answers = yield* Effect.all(made, { concurrency: "unbounded" })
      assert.isTrue(answers.every((answer) => answer === "unknown"))
      assert.strictEqual(load.most, 16)
    })
  )

  it.scoped("asks Consul whom its token is of, and has everything done with that token", () =>
    Effect.gen(function* () {
      const asked: Array<string> = []
      const authentication = yield* authenticationOf(
        { AUTH_MODE: "consul" },
        {
          tokenSelf: () =>
            Effect.flatMap(ActingToken, (acting) => {
              const token = Option.match(acting, { onNone: () => "the service's own", onSome: Redacted.value })
              asked.push(token)
              const refusal = { system: "consul", operation: "acl.self" } as const
              if (token === "good") return Effect.succeed({ accessorId: "1234", description: "" })
              return Effect.fail(
                token === "outage"
                  ? new Unavailable({ ...refusal, detail: "" })
                  : new Denied({ ...refusal, detail: token === "off" ? "ACL support disabled" : "ACL not found" })
              )
            })
        }
      )
      const { acting, caller } = yield* authentication.identify({ "x-consul-token": "good" })
      assert.strictEqual(Option.getOrUndefined(caller)?.name, "consul:1234")
      assert.deepStrictEqual(Option.map(acting, Redacted.value), Option.some("good"))
      assert.strictEqual(yield* who(authentication, { authorization: "Bearer good" }), "consul:1234")
      assert.deepStrictEqual(asked, ["good"])
      yield* TestClock.adjust("11 seconds")
      assert.strictEqual(yield* who(authentication, { authorization: "Bearer good" }), "consul:1234")
      assert.deepStrictEqual(asked, ["good", "good"])
      // The service's own token is nobody else's, and a Consul that asks nobody lets nobody in here.
      assert.strictEqual(yield* who(authentication, {}), "none")
      assert.strictEqual(yield* who(authentication, { "x-consul-token": "" }), "none")
      assert.strictEqual(yield* who(authentication, { "x-consul-token": "bad" }), "unknown")
      assert.strictEqual(yield* who(authentication, { "x-consul-token": "off" }), "undecided")
      assert.strictEqual(yield* who(authentication, { "x-consul-token": "outage" }), "undecided")
      assert.notInclude(asked, "the service's own")
    })
  )
})
