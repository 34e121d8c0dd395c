import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import { Bench, buildah, missing, ownStore } from "./support/Bench.ts"
import { command } from "./support/commands.ts"
import { freePort, registry } from "./support/Registry.ts"

/** What a real Nomad with docker said, with its own registry's address. */
const recorded = (name: string) =>
  Effect.promise(async () => {
    const text = await readFile(new URL(`fixtures/${name}.txt`, import.meta.url), "utf8")
    return text.trim()
  })

describe.skipIf(missing !== undefined)(
  `pulling${missing === undefined ? "" : ` (no ${missing} here)`}`,
  { timeout: 60_000 },
  () => {
    layer(Bench.layer, { excludeTestServices: true, timeout: 60_000 })("an image that a task needs", (it) => {
      const failure = Effect.fnUntraced(function* (config: Readonly<Record<string, unknown>>) {
        const bench = yield* Bench
        return yield* Effect.flip(Effect.scoped(bench.start({ config })))
      })

      it.scoped("fails the start in docker's words when the registry has no such image", () =>
        Effect.gen(function* () {
          const bench = yield* Bench
          const error = yield* failure({ image: `${bench.registry}/temp/none:latest` })
          const expected = yield* recorded("image-not-found")
          assert.strictEqual(error.message, expected.replaceAll("127.0.0.1:5000", bench.registry))
          assert.isFalse(error.recoverable)
        })
      )

      it.scoped("fails the start in docker's words when the registry is down", () =>
        Effect.gen(function* () {
          const address = `127.0.0.1:${yield* Effect.promise(freePort)}`
          const error = yield* failure({ image: `${address}/temp/none:latest` })
          const expected = yield* recorded("registry-down")
          assert.strictEqual(error.message, expected.replaceAll("127.0.0.1:5999", address))
          assert.isTrue(error.recoverable)
        })
      )

      it.scoped("fails the start in runc's words when the image lacks the command", () =>
        Effect.gen(function* () {
          const bench = yield* Bench
          const image = `${bench.registry}/plain:1`
          const expected = yield* recorded("no-such-command")
          const name = /container \S+:/
          const missingFile = yield* failure({ image, command: "/no/such/bin" })
          assert.strictEqual(missingFile.message.replace(name, ""), expected.replace(name, ""))
          const missingName = yield* failure({ image, entrypoint: ["nosuch"] })
          assert.include(missingName.message, 'exec: "nosuch": executable file not found in $PATH: unknown')
          const noProgram = yield* failure({ image, entrypoint: ["/etc/passwd"] })
          assert.include(noProgram.message, 'exec: "/etc/passwd": permission denied: unknown')
        })
      )

      it.scoped("fails the start when the image has no such user", () =>
        Effect.gen(function* () {
          const bench = yield* Bench
          const error = yield* Effect.flip(
            bench.start({ config: { image: `${bench.registry}/plain:1` }, user: "nobody" })
          )
          assert.include(error.message, "unable to find user nobody: no matching entries in passwd file")
        })
      )

      it.scoped("comes with the job's login, which no command line shows", () =>
        Effect.gen(function* () {
          const bench = yield* Bench
          const closed = yield* registry(join(bench.folder, "closed"), { login: true })
          const image = `${closed}/plain:1`
          yield* Effect.promise(() =>
            command(
              ["skopeo", "copy", "-q", "--src-tls-verify=false", "--dest-tls-verify=false"].concat(
                ["--dest-creds", "tester:open sesame"],
                [`docker://${bench.registry}/plain:1`, `docker://${image}`]
              )
            )
          )
          const none = yield* failure({ image })
          assert.strictEqual(none.message, `Failed to pull \`${image}\`: API error (500): no basic auth credentials`)
          const wrong = yield* failure({ image, auth: [{ username: "tester", password: "wrong" }] })
          assert.include(wrong.message, "API error (500): unauthorized: authentication required")
          const auth = { username: "tester", password: "open sesame", server_address: closed }
          const task = yield* bench.start({ config: { image, auth } })
          assert.strictEqual((yield* task.wait).exitCode, 0)
        })
      )

      it.scoped("is taken by digest, and asked for again when its tag moves or the job forces it", () =>
        Effect.gen(function* () {
          const bench = yield* Bench
          const of = (name: string) => `${bench.registry}/${name}`
          const push = (from: string, to: string) =>
            Effect.promise(() =>
              command(
                ["skopeo", "copy", "-q", "--src-tls-verify=false", "--dest-tls-verify=false"].concat(
                  `docker://${of(from)}`,
                  `docker://${of(to)}`
                )
              )
            )
          const output = Effect.fnUntraced(function* (config: Readonly<Record<string, unknown>>) {
            const task = yield* bench.start({ config })
            yield* task.wait
            return task.stdout()
          }, Effect.scoped)
          yield* push("plain:1", "moving:1")
          yield* push("plain:1", "moving:latest")
          const digest = yield* Effect.promise(() =>
            command(["skopeo", "inspect", "--tls-verify=false", "--format", "{{.Digest}}", `docker://${of("plain:1")}`])
          )
          const speaks = "the image speaks\n"
          const hello = "Hello World from /srv/app with default\n"
          assert.strictEqual(yield* output({ image: of("moving:1") }), speaks)
          assert.strictEqual(yield* output({ image: of("moving:latest") }), speaks)
          yield* push("entry:1", "moving:1")
          yield* push("entry:1", "moving:latest")
          assert.strictEqual(yield* output({ image: of("moving:1") }), speaks)
          assert.strictEqual(yield* output({ image: of("moving:1"), force_pull: true }), hello)
          assert.strictEqual(yield* output({ image: of("moving:latest") }), hello)
          assert.strictEqual(yield* output({ image: `${of("moving")}@${digest.trim()}` }), speaks)
          assert.strictEqual(yield* output({ image: `${of("moving:latest")}@${digest.trim()}` }), speaks)
        })
      )

      it.scoped("stays for the next task within bounds", () =>
        Effect.gen(function* () {
          const bench = yield* Bench
          const CONTAINERS_STORAGE_CONF = join(bench.folder, "driver", "images", "storage.conf")
          for (const number of [1, 2, 3, 4, 5, 6]) {
            const image = `${bench.registry}/many:${number}`
            yield* Effect.promise(async () => {
              const store = ownStore(bench.folder)
              const name = `many-${number}`
              await buildah([...store, "from", "--tls-verify=false", "--name", name, `${bench.registry}/plain:1`])
              await buildah([...store, "config", "--env", `NUMBER=${number}`, name])
              await buildah([...store, "commit", "--tls-verify=false", name, `docker://${image}`])
              await buildah([...store, "rm", name])
            })
            yield* Effect.scoped(Effect.flatMap(bench.start({ config: { image } }), (task) => task.wait))
          }
          const images = yield* Effect.promise(() => buildah(["images", "-q"], { CONTAINERS_STORAGE_CONF }))
          assert.strictEqual(new Set(images.split("\n").filter(Boolean)).size, 4)
        })
      )
    })
  }
)
