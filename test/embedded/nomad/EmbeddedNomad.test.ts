import { existsSync, readdirSync, readFileSync, statSync } from "node:fs"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect } from "effect"
import { at, eventTypes, scratchFolder, scriptJob, startAgent } from "./agent.ts"
import { scripted } from "./scriptedDriver.ts"

const live = { timeout: 20_000 }

describe("a task", () => {
  it.scopedLive("runs to its end and leaves Nomad's history and logs", () =>
    Effect.gen(function* () {
      const agent = yield* startAgent(scripted({ hello: { runsMs: 50, stdout: "line 1\nline 2\n", stderr: "oops\n" } }))
      const registered = yield* agent.call("POST", "/v1/jobs", scriptJob("web", "hello"))
      assert.strictEqual(registered.status, 200)
      const allocation = yield* agent.ended("web")
      assert.deepStrictEqual(eventTypes(allocation), ["Received", "Task Setup", "Driver", "Started", "Terminated"])
      assert.strictEqual(at(allocation, "ClientStatus"), "complete")
      assert.strictEqual(at(allocation, "ClientDescription"), "All tasks have completed")
      assert.deepStrictEqual(at(allocation, "TaskStates", "main", "Events", -1, "Details"), {
        exit_code: "0",
        signal: "0",
        oom_killed: "false"
      })
      const logs = `/v1/client/fs/logs/${String(at(allocation, "ID"))}?task=main&plain=true`
      assert.strictEqual((yield* agent.get(`${logs}&type=stdout`)).text, "line 1\nline 2\n")
      assert.strictEqual((yield* agent.get(`${logs}&type=stderr`)).text, "oops\n")
      assert.strictEqual((yield* agent.get(`${logs}&type=stdout&offset=7`)).text, "line 2\n")
      assert.strictEqual((yield* agent.get(`${logs}&type=stdout&offset=3&origin=end`)).text, " 2\n")
      assert.strictEqual((yield* agent.get(`${logs}&type=stdout&offset=1000`)).text, "")
      assert.strictEqual(at((yield* agent.get("/v1/job/web")).json, "Status"), "dead")
    })
  )

  it.scopedLive("that fails is failed at once, with its exit code in words", () =>
    Effect.gen(function* () {
      const agent = yield* startAgent(
        scripted({ fails: { runsMs: 0, exitCode: 42 }, oom: { runsMs: 0, exitCode: 137, oomKilled: true } })
      )
      for (const script of ["fails", "oom"]) yield* agent.call("POST", "/v1/jobs", scriptJob(script, script))
      const failed = yield* agent.ended("fails")
      assert.deepStrictEqual(eventTypes(failed).slice(-2), ["Terminated", "Not Restarting"])
      assert.strictEqual(
        at(failed, "TaskStates", "main", "Events", -2, "DisplayMessage"),
        'Exit Code: 42, Exit Message: "Docker container exited with non-zero exit code: 42"'
      )
      assert.deepStrictEqual([at(failed, "ClientStatus"), at(failed, "TaskStates", "main", "Failed")], ["failed", true])
      const oom = yield* agent.ended("oom")
      assert.strictEqual(at(oom, "TaskStates", "main", "Events", -2, "Details", "oom_killed"), "true")
    })
  )

  it.scopedLive("that can't be started never did", () =>
    Effect.gen(function* () {
      const agent = yield* startAgent(scripted({ bad: { failsToStart: "Failed to pull `x`" } }))
      yield* agent.call("POST", "/v1/jobs", scriptJob("web", "bad"))
      const allocation = yield* agent.ended("web")
      assert.deepStrictEqual(eventTypes(allocation).slice(-2), ["Driver Failure", "Not Restarting"])
      assert.isNull(at(allocation, "TaskStates", "main", "StartedAt"))
      const logs = yield* agent.get(
        `/v1/client/fs/logs/${String(at(allocation, "ID"))}?task=main&type=stdout&plain=true`
      )
      assert.deepStrictEqual([logs.status, logs.text], [404, 'task "main" not started yet. No logs available'])
    })
  )

  it.scopedLive("is asked to end, then ended after its kill timeout, and counts as complete", () =>
    Effect.gen(function* () {
      const driver = scripted({ stubborn: { stubborn: true } })
      const agent = yield* startAgent(driver)
      yield* agent.call("POST", "/v1/jobs", scriptJob("web", "stubborn"))
      yield* agent.running("web")
      const stopped = yield* agent.call("DELETE", "/v1/job/web")
      assert.strictEqual(stopped.status, 200)
      assert.strictEqual(at((yield* agent.get("/v1/job/web")).json, "Status"), "dead")
      const allocation = yield* agent.ended("web")
      assert.deepStrictEqual(driver.signals, ["SIGTERM", "SIGKILL"])
      assert.deepStrictEqual(eventTypes(allocation).slice(-3), ["Killing", "Terminated", "Killed"])
      assert.strictEqual(
        at(allocation, "TaskStates", "main", "Events", -3, "DisplayMessage"),
        "Sent interrupt. Waiting 300ms before force killing"
      )
      assert.deepStrictEqual(
        [
          at(allocation, "ClientStatus"),
          at(allocation, "DesiredStatus"),
          at(allocation, "TaskStates", "main", "Failed")
        ],
        ["complete", "stop", false]
      )
      assert.strictEqual(driver.alive.size, 0)
    })
  )

  it.scopedLive("that is stopped while its image is pulled begins, and is ended then", () =>
    Effect.gen(function* () {
      const agent = yield* startAgent(scripted({ slow: { pullsMs: 300 } }))
      yield* agent.call("POST", "/v1/jobs", scriptJob("web", "slow"))
      yield* agent.allocation("web", (row) => eventTypes(row).includes("Driver"))
      yield* agent.call("DELETE", "/v1/job/web")
      const allocation = yield* agent.ended("web")
      assert.deepStrictEqual(eventTypes(allocation).slice(-4), ["Killing", "Started", "Terminated", "Killed"])
    })
  )

  it.scopedLive("gets its environment, folders and volumes as a docker task sees them", () =>
    Effect.gen(function* () {
      const driver = scripted({})
      const volume = yield* scratchFolder
      const agent = yield* startAgent(driver, { hostVolumes: { cache: volume }, meta: { rack: "r7" } })
      yield* agent.call(
        "POST",
        "/v1/jobs",
        scriptJob("web", "none", {
          Config: { image: "a:1", args: ["none", "$${HOME} %%{x} ${NOMAD_JOB_ID} ${meta.rack}"] },
          Env: { WHERE: "${NOMAD_TASK_DIR}/x", NODE: "${node.unique.name}", LEFT: "${NOSUCH}" },
          Volumes: { v: { Type: "host", Source: "cache", ReadOnly: true } },
          VolumeMounts: [{ Volume: "v", Destination: "/cache" }]
        })
      )
      const allocation = yield* agent.ended("web")
      const [context] = driver.contexts
      assert.deepStrictEqual(context?.config["args"], ["none", "${HOME} %{x} web r7"])
      assert.deepStrictEqual(
        [context?.env["WHERE"], context?.env["NODE"], context?.env["LEFT"], context?.env["NOMAD_ALLOC_DIR"]],
        ["/local/x", "jobforge-dev", "${NOSUCH}", "/alloc"]
      )
      assert.strictEqual(context?.env["NOMAD_ALLOC_ID"], at(allocation, "ID"))
      assert.deepStrictEqual(context?.volumes, [{ source: volume, destination: "/cache", readOnly: true }])
      assert.isTrue(existsSync(context?.folders.secrets ?? ""))
      assert.strictEqual(
        context?.folders.local,
        join(agent.data, "alloc", String(at(allocation, "ID")), "main", "local")
      )
    })
  )

  it.scopedLive("fails on the client for what its config can't be read as", () =>
    Effect.gen(function* () {
      const agent = yield* startAgent(scripted({}))
      const config = { image: "a:1", args: ["none", "echo ${HOME}"], no_such_key: 1 }
      assert.strictEqual(
        (yield* agent.call("POST", "/v1/jobs", scriptJob("web", "none", { Config: config }))).status,
        200
      )
      const allocation = yield* agent.ended("web")
      assert.deepStrictEqual(eventTypes(allocation).slice(-2), ["Failed Validation", "Not Restarting"])
      assert.strictEqual(
        at(allocation, "TaskStates", "main", "Events", -2, "ValidationError"),
        "3 errors occurred:\n\t* failed to parse config: \n\t* " +
          'Unknown variable: There is no variable named "HOME".\n\t* ' +
          'Invalid label: No argument or block type is named "no_such_key".\n\n'
      )
    })
  )
})

describe("secrets", () => {
  const vaultTask = (template: Readonly<Record<string, unknown>>) => ({ Vault: {}, Templates: [template] })

  it.scopedLive("are rendered into files and the environment before the task begins", () =>
    Effect.gen(function* () {
      const folder = yield* scratchFolder
      const secrets = join(folder, "secrets.yaml")
      yield* Effect.promise(() => writeFile(secrets, "secret/git:\n  token: 'a\"b&c'\n"))
      const driver = scripted({})
      const agent = yield* startAgent(driver, { secrets })
      const file = {
        DestPath: "secrets/git",
        EmbeddedTmpl: '{{ with secret "secret/data/git" }}{{ .Data.data.token }}{{ end }}',
        Perms: "0600"
      }
      const env = {
        DestPath: "secrets/env",
        EmbeddedTmpl: 'TOKEN={{ with secret "secret/data/git" }}{{ index .Data.data "token" | toJSON }}{{ end }}',
        Envvars: true
      }
      const posted = yield* agent.call(
        "POST",
        "/v1/jobs",
        scriptJob("web", "none", { Vault: {}, Templates: [file, env] })
      )
      assert.strictEqual(posted.text.includes("EvalID"), true)
      yield* agent.ended("web")
      const [context] = driver.contexts
      const path = join(context?.folders.secrets ?? "", "git")
      assert.strictEqual(readFileSync(path, "utf8"), 'a"b&c')
      assert.strictEqual(statSync(path).mode & 0o777, 0o600)
      assert.strictEqual(context?.env["TOKEN"], 'a"b&c')
    })
  )

  it.scopedLive("that are missing keep the task pending with their path, until they are there", () =>
    Effect.gen(function* () {
      const folder = yield* scratchFolder
      const secrets = join(folder, "secrets.json")
      yield* Effect.promise(() => writeFile(secrets, "{}"))
      const agent = yield* startAgent(scripted({}), { secrets })
      const template = {
        DestPath: "local/x",
        EmbeddedTmpl: '{{ with secret "secret/data/none" }}{{ .Data.data.a }}{{ end }}'
      }
      yield* agent.call("POST", "/v1/jobs", scriptJob("web", "none", vaultTask(template)))
      const waiting = yield* agent.allocation("web", (row) => eventTypes(row).includes("Template"))
      assert.strictEqual(at(waiting, "ClientStatus"), "pending")
      assert.strictEqual(
        at(waiting, "TaskStates", "main", "Events", -1, "DisplayMessage"),
        "Missing: vault.read(secret/data/none)"
      )
      yield* Effect.promise(() => writeFile(secrets, '{"secret/none": {"a": "b"}}'))
      assert.strictEqual(at(yield* agent.ended("web"), "ClientStatus"), "complete")
    })
  )

  it.scopedLive("don't exist without a secrets file, and templates are refused by what they can't do", () =>
    Effect.gen(function* () {
      const agent = yield* startAgent(scripted({}))
      const refused = yield* agent.call("POST", "/v1/jobs", scriptJob("web", "none", { Vault: {} }))
      assert.deepStrictEqual(
        [refused.status, refused.text],
        [500, '1 error occurred:\n\t* Vault "default" not enabled but used in the job\n\n']
      )
      const template = { DestPath: "local/x", EmbeddedTmpl: '{{ key "a" }}' }
      const unknown = yield* agent.call("POST", "/v1/jobs", scriptJob("web", "none", { Templates: [template] }))
      assert.include(unknown.text, 'function "key" is not implemented by this server')
    })
  )
})

describe("across restarts", () => {
  it.scopedLive("what was answered is still known, and what ran has failed", () =>
    Effect.gen(function* () {
      const first = scripted({ long: {}, hello: { runsMs: 0 } })
      const data = yield* scratchFolder
      const before = yield* startAgent(first, { data })
      yield* before.call("POST", "/v1/jobs", scriptJob("done", "hello"))
      yield* before.ended("done")
      yield* before.call("POST", "/v1/jobs", scriptJob("busy", "long"))
      const running = yield* before.running("busy")
      yield* before.stop
      assert.strictEqual(first.alive.size, 0)
      assert.deepStrictEqual(first.signals, ["SIGTERM"])
      const second = scripted({})
      const after = yield* startAgent(second, { data })
      const allocation = yield* after.ended("busy")
      assert.strictEqual(at(allocation, "ID"), at(running, "ID"))
      assert.strictEqual(at(allocation, "ClientStatus"), "failed")
      assert.deepStrictEqual(eventTypes(allocation).slice(-2), ["Driver Failure", "Not Restarting"])
      assert.include(
        String(at(allocation, "TaskStates", "main", "Events", -2, "DriverError")),
        "could not be recovered"
      )
      assert.deepStrictEqual(second.swept, [at(running, "ID")])
      assert.strictEqual(at((yield* after.get("/v1/job/done/summary")).json, "Summary", "main", "Complete"), 1)
      assert.lengthOf(second.contexts, 0)
    })
  )

  it.scopedLive("what had started has failed, though the servers hadn't heard of it", () =>
    Effect.gen(function* () {
      const data = yield* scratchFolder
      const before = yield* startAgent(scripted({ long: {} }), { data })
      const started = Effect.sync(() => readdirSync(join(data, "started")))
      yield* before.call("POST", "/v1/jobs", scriptJob("busy", "long"))
      yield* Effect.repeat(Effect.delay(started, 1), { until: (marks) => marks.length > 0 })
      yield* before.stop
      const second = scripted({})
      const after = yield* startAgent(second, { data })
      const allocation = yield* after.ended("busy")
      assert.strictEqual(at(allocation, "ClientStatus"), "failed")
      assert.isString(at(allocation, "TaskStates", "main", "StartedAt"))
      assert.lengthOf(second.contexts, 0)
      assert.deepStrictEqual(yield* started, [])
    })
  )

  it.scopedLive("a task that doesn't care for SIGTERM is ended within a bound when the agent is", () =>
    Effect.gen(function* () {
      const driver = scripted({ long: { stubborn: true, runsMs: 20_000 } })
      const agent = yield* startAgent(driver)
      yield* agent.call("POST", "/v1/jobs", scriptJob("busy", "long"))
      yield* agent.running("busy")
      const [taken] = yield* Effect.timed(agent.stop)
      assert.deepStrictEqual(driver.signals, ["SIGTERM", "SIGKILL"])
      assert.strictEqual(driver.alive.size, 0)
      assert.isBelow(Duration.toMillis(taken), 10_000)
    })
  )

  it.scopedLive("what hadn't begun is begun", () =>
    Effect.gen(function* () {
      const data = yield* scratchFolder
      const before = yield* startAgent(scripted({ slow: { pullsMs: 60_000 } }), { data })
      yield* before.call("POST", "/v1/jobs", scriptJob("web", "slow"))
      yield* before.allocation("web", (row) => eventTypes(row).includes("Driver"))
      yield* before.stop
      const after = yield* startAgent(scripted({ slow: { runsMs: 0 } }), { data })
      assert.strictEqual(at(yield* after.ended("web"), "ClientStatus"), "complete")
    })
  )
})

describe("the client's own garbage collection", () => {
  it.scopedLive(
    "keeps the folders of fifty finished allocations",
    () =>
      Effect.gen(function* () {
        const agent = yield* startAgent(scripted({}))
        for (let index = 0; index < 53; index += 1) {
          yield* agent.call("POST", "/v1/jobs", scriptJob(`job-${index}`, "none"))
          yield* agent.ended(`job-${index}`)
        }
        const oldest = String(at(yield* agent.ended("job-0"), "ID"))
        yield* Effect.sleep(200)
        assert.lengthOf(readdirSync(join(agent.data, "alloc")), 50)
        const logs = yield* agent.get(`/v1/client/fs/logs/${oldest}?task=main&type=stdout&plain=true`)
        assert.deepStrictEqual([logs.status, logs.text], [404, `state for allocation ${oldest} not found on client`])
        assert.strictEqual((yield* agent.get(`/v1/allocation/${oldest}`)).status, 200)
      }),
    live
  )
})
