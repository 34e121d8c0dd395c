import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber } from "effect"
import { execFile } from "node:child_process"
import { symlink, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { promisify } from "node:util"
import { at, scriptJob, startAgent } from "./agent.ts"
import { readFor } from "./rawRequest.ts"
import { scripted } from "./scriptedDriver.ts"

const indexOf = (headers: Headers): number => Number(headers.get("x-nomad-index"))

const lines = (text: string): ReadonlyArray<unknown> =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line): unknown => JSON.parse(line))

describe("a blocking query", () => {
  it.scopedLive("answers as soon as what it asks for changes, and not for anything else", () =>
    Effect.gen(function* () {
      const agent = yield* startAgent(scripted({ long: {} }))
      yield* agent.call("POST", "/v1/jobs", scriptJob("web", "long"))
      yield* agent.running("web")
      const before = yield* agent.get("/v1/job/web/allocations")
      const waiting = yield* Effect.fork(
        Effect.timed(agent.get(`/v1/job/web/allocations?index=${indexOf(before.headers)}&wait=30s`))
      )
      yield* Effect.sleep(150)
      yield* agent.call("POST", "/v1/jobs", scriptJob("other", "none"))
      yield* agent.ended("other")
      assert.isNull(yield* Fiber.poll(waiting).pipe(Effect.map((exit) => (exit._tag === "None" ? null : exit))))
      yield* agent.call("DELETE", "/v1/job/web")
      const [, after] = yield* Fiber.join(waiting)
      assert.isAbove(indexOf(after.headers), indexOf(before.headers))
      assert.strictEqual(at(after.json, 0, "DesiredStatus"), "stop")
    })
  )

  it.scopedLive("answers with the same index after its wait", () =>
    Effect.gen(function* () {
      const agent = yield* startAgent(scripted({}))
      const now = yield* agent.get("/v1/job/nobody")
      const [took, later] = yield* Effect.timed(agent.get(`/v1/job/nobody?index=${indexOf(now.headers)}&wait=300ms`))
      assert.strictEqual(later.status, 404)
      assert.strictEqual(indexOf(later.headers), indexOf(now.headers))
      assert.isAtLeast(Duration.toMillis(took), 300)
    })
  )

  it.scopedLive("is cut off at once when the agent stops", () =>
    Effect.gen(function* () {
      const agent = yield* startAgent(scripted({}))
      const index = indexOf((yield* agent.get("/v1/jobs")).headers)
      const waiting = yield* Effect.fork(Effect.exit(agent.get(`/v1/jobs?index=${index}&wait=60s`)))
      yield* Effect.sleep(100)
      const [took] = yield* Effect.timed(agent.stop)
      assert.isBelow(Duration.toMillis(took), 2000)
      assert.strictEqual((yield* Fiber.join(waiting))._tag, "Failure")
    })
  )
})

describe("the event stream", () => {
  it.scopedLive("says hello at once, replays from an index, and goes on", () =>
    Effect.gen(function* () {
      const agent = yield* startAgent(scripted({}))
      const registered = yield* agent.call("POST", "/v1/jobs", scriptJob("web", "none"))
      yield* agent.ended("web")
      const index = Number(at(registered.json, "Index"))
      const reading = yield* Effect.fork(
        Effect.promise(() =>
          readFor(`${agent.address}/v1/event/stream?topic=Job:web&topic=Allocation:web&index=${index + 1}`, 700)
        )
      )
      yield* Effect.sleep(300)
      yield* agent.call("POST", "/v1/jobs", scriptJob("other", "none"))
      yield* agent.call("DELETE", "/v1/job/web")
      const { text } = yield* Fiber.join(reading)
      const [hello, ...batches] = lines(text)
      assert.deepStrictEqual(hello, {})
      assert.isAtLeast(Number(at(batches, 0, "Index")), index + 1)
      const keys = new Set(batches.flatMap((batch) => [at(batch, "Events", 0, "Topic")]))
      assert.isFalse(keys.has("Evaluation"))
      assert.notInclude(text, '"other"')
      assert.strictEqual(at(batches, -1, "Events", 0, "Payload", "Job", "Stop"), true)
    })
  )

  it.scopedLive("starts at the newest batch when the index is ahead of the log", () =>
    Effect.gen(function* () {
      const agent = yield* startAgent(scripted({}))
      yield* agent.call("POST", "/v1/jobs", scriptJob("web", "none"))
      yield* agent.ended("web")
      const { text } = yield* Effect.promise(() =>
        readFor(`${agent.address}/v1/event/stream?topic=Job&topic=Allocation&index=999999`, 200)
      )
      assert.lengthOf(lines(text), 2)
    })
  )
})

describe("logs", () => {
  it.scopedLive("are followed in frames with a beat each second, beyond the task's end", () =>
    Effect.gen(function* () {
      const agent = yield* startAgent(scripted({ hello: { runsMs: 10, stdout: "line 1\n" } }))
      yield* agent.call("POST", "/v1/jobs", scriptJob("web", "hello"))
      const id = String(at(yield* agent.ended("web"), "ID"))
      const url = `${agent.address}/v1/client/fs/logs/${id}?task=main&type=stdout&follow=true`
      const { text, ended } = yield* Effect.promise(() => readFor(url, 1300))
      assert.isFalse(ended)
      const data = Buffer.from("line 1\n").toString("base64")
      assert.strictEqual(text, `{"Data":"${data}","File":"alloc/logs/main.stdout.0","Offset":7}{}`)
    })
  )

  it.scopedLive("that were rotated are read from the oldest file kept", () =>
    Effect.gen(function* () {
      const line = `${"0123456789".repeat(10)}\n`
      const stdout = line.repeat(33_000)
      const agent = yield* startAgent(scripted({ much: { runsMs: 10, stdout } }))
      const config = { LogConfig: { MaxFiles: 2, MaxFileSizeMB: 1 } }
      yield* agent.call("POST", "/v1/jobs", scriptJob("web", "much", config))
      const id = String(at(yield* agent.ended("web"), "ID"))
      const logs = yield* agent.get(`/v1/client/fs/logs/${id}?task=main&type=stdout&plain=true`)
      assert.isTrue(stdout.endsWith(logs.text))
      assert.isTrue(logs.text.startsWith("0123456789"))
      assert.isBelow(logs.text.length, 2 * 1024 * 1024)
      assert.isAbove(logs.text.length, 1024 * 1024)
      const listed = yield* agent.get(`/v1/client/fs/ls/${id}?path=/alloc/logs`)
      assert.deepStrictEqual(Array.isArray(listed.json) ? listed.json.map((file: unknown) => at(file, "Name")) : [], [
        "main.stderr.0",
        "main.stdout.2",
        "main.stdout.3"
      ])
      const framed = yield* agent.get(`/v1/client/fs/logs/${id}?task=main&type=stdout`)
      const frames = framed.text
        .replaceAll("}{", "}\n{")
        .split("\n")
        .map((frame): unknown => JSON.parse(frame))
      assert.strictEqual(at(frames, 0, "Offset"), 65_536)
      assert.strictEqual(
        frames.map((frame) => Buffer.from(String(at(frame, "Data")), "base64").toString()).join(""),
        logs.text
      )
    })
  )
})

/** A task that has ended, its folders, and how its allocation's files are read. */
const endedTask = Effect.gen(function* () {
  const driver = scripted({})
  const agent = yield* startAgent(driver)
  yield* agent.call("POST", "/v1/jobs", scriptJob("web", "none"))
  const id = String(at(yield* agent.ended("web"), "ID"))
  const [context] = driver.contexts
  if (context === undefined) return yield* Effect.dieMessage("the task never ran")
  return { folders: context.folders, cat: (path: string) => agent.get(`/v1/client/fs/cat/${id}?path=${path}`) }
})

describe("files of an allocation", () => {
  it.scopedLive("don't lead out of its folder and don't show its secrets", () =>
    Effect.gen(function* () {
      const { cat, folders } = yield* endedTask
      yield* Effect.promise(async () => {
        await writeFile(join(folders.local, "result.json"), '{"digest":"d"}')
        await writeFile(join(folders.secrets, "token"), "hidden")
        await symlink("/etc/passwd", join(folders.local, "link"))
        await symlink("../secrets/token", join(folders.local, "sneaky"))
      })
      assert.strictEqual((yield* cat("main/local/result.json")).text, '{"digest":"d"}')
      assert.strictEqual((yield* cat("main/local/link")).text, "Path escapes the alloc directory")
      assert.strictEqual((yield* cat("main/secrets/token")).text, "Reading secret file prohibited: main/secrets/token")
      assert.include((yield* cat("main/local/sneaky")).text, "prohibited")
    })
  )

  it.scopedLive("that nobody ever writes to hold up nothing", () =>
    Effect.gen(function* () {
      const { cat, folders } = yield* endedTask
      yield* Effect.promise(() => promisify(execFile)("mkfifo", [join(folders.local, "pipe")]))
      assert.strictEqual((yield* cat("main/local/pipe")).status, 500)
    })
  )
})

describe("what this server doesn't do", () => {
  it.scopedLive("is refused by name, all of it at once, when it would change what runs", () =>
    Effect.gen(function* () {
      const agent = yield* startAgent(scripted({}))
      const job = scriptJob("web", "none", {
        Artifacts: [{ GetterSource: "x" }],
        KillSignal: "SIGUSR1",
        Services: [{}]
      })
      const refused = yield* agent.call("POST", "/v1/jobs", {
        Job: { ...job.Job, Type: "service", Periodic: { Spec: "x" } }
      })
      assert.strictEqual(refused.status, 500)
      for (const field of [
        "Job.Periodic",
        "Job.TaskGroups.Tasks.Artifacts",
        "Job.TaskGroups.Tasks.Services",
        'Job.TaskGroups.Tasks.KillSignal "SIGUSR1"',
        'Job.Type "service"'
      ]) {
        assert.include(refused.text, `* ${field}`)
      }
      const validated = yield* agent.call("POST", "/v1/validate/job", { Job: { ...job.Job, Type: "service" } })
      assert.strictEqual(validated.status, 200)
      assert.include(String(at(validated.json, "Error")), "is not implemented by this server")
    })
  )

  it.scopedLive("of restarts and reschedules is refused too, also where the job leaves them to Nomad's defaults", () =>
    Effect.gen(function* () {
      const agent = yield* startAgent(scripted({}))
      const tasks = [{ Name: "main", Driver: "docker", Config: { image: "a:1" } }]
      const job = { ID: "web", Type: "batch", TaskGroups: [{ Name: "main", Tasks: tasks }] }
      const refused = yield* agent.call("POST", "/v1/jobs", { Job: job })
      assert.include(refused.text, "Job.TaskGroups.ReschedulePolicy (Attempts must be 0 and Unlimited false)")
      assert.include(refused.text, "Job.TaskGroups.RestartPolicy (Attempts must be 0)")
    })
  )

  it.scopedLive("of the driver's options is refused, and harmless unknown fields are not", () =>
    Effect.gen(function* () {
      const agent = yield* startAgent(scripted({}))
      const config = { image: "a:1", privileged: true }
      const refused = yield* agent.call("POST", "/v1/jobs", scriptJob("web", "none", { Config: config }))
      assert.strictEqual(refused.text, "1 error occurred:\n\t* Task main: config.privileged: not here\n\n")
      const job = scriptJob("web", "none", { NoSuchField: 1 })
      assert.strictEqual((yield* agent.call("POST", "/v1/jobs", { ...job, Unknown: true })).status, 200)
      assert.notInclude((yield* agent.get("/v1/job/web")).text, "NoSuchField")
    })
  )
})
