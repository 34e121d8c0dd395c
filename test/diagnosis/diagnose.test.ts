import { assert, describe, it } from "@effect/vitest"
import { FastCheck, Schema } from "effect"
import { describeDiagnosis } from "../../src/diagnosis/describe.ts"
import { Diagnosis, maximumDiagnosisBytes } from "../../src/diagnosis/Diagnosis.ts"
import { type AttemptLogs, diagnose } from "../../src/diagnosis/diagnose.ts"
import { bytesOf } from "../../src/diagnosis/fitted.ts"
import type { Attempt, Status } from "../../src/domain/Status.ts"
import { boundLog } from "../../src/store/BoundedLog.ts"
import { jobId } from "../jobspec/phaseInputs.ts"
import { desired } from "../support/world.ts"
import { type CorpusCase, statusOf } from "./CorpusCase.ts"

const failed = (fields: Partial<CorpusCase> = {}): Status =>
  statusOf({ label: "command-failed", phase: "build", reason: "BuildFailed", exit_code: 1, note: "", ...fields })

const logs = (stdout: string, stderr: string): AttemptLogs => ({
  stdout: Buffer.from(stdout),
  stderr: Buffer.from(stderr)
})

const secretAdvice = (message: string): string =>
  diagnose(failed({ label: "secret-missing", reason: "SecretUnavailable", message })).next_action

const isValid = Schema.is(Diagnosis)

const running: Status = {
  name: "teams/engine",
  job_id: jobId,
  generation: 1,
  hash: "x",
  status: "BUILDING",
  phase: "build",
  config: desired().job,
  images: [],
  times: {},
  slots: [],
  attempts: [],
  conditions: [],
  events: [],
  updated_at: 5000
}

const attempt: Attempt = {
  nomad_job_id: `build-${jobId}-1`,
  phase: "build",
  attempt: 1,
  intended_at: 1000,
  seen: true
}

describe("diagnose", () => {
  it("points to the root and not to what follows from it", () => {
    const stdout = "STEP 1/2: FROM debian\nSTEP 2/2: RUN apt-get update && apt-get install -y jq\n"
    const stderr = [
      "W: Failed to fetch http://deb.debian.org/debian/InRelease  Temporary failure resolving 'deb.debian.org'",
      "E: Unable to locate package jq",
      'Error: building at STEP "RUN apt-get update && apt-get install -y jq": exit status 100',
      "jobforge: BuildFailed: the Dockerfile could not be built"
    ].join("\n")
    const diagnosis = diagnose(failed({ exit_code: 100 }), logs(stdout, stderr))
    assert.strictEqual(diagnosis.cause, "name-resolution")
    assert.deepInclude(diagnosis.error, { number: 1, stream: "stderr" })
    assert.deepStrictEqual(diagnosis.step, {
      kind: "instruction",
      number: 2,
      of: 2,
      text: "RUN apt-get update && apt-get install -y jq"
    })
    assert.isTrue(diagnosis.retryable)
    assert.include(diagnosis.next_action, "deb.debian.org")
  })

  it("takes no word of an instruction for what went wrong with it", () => {
    const text = "RUN echo permission denied, no space left on device; exit 3"
    const diagnosis = diagnose(
      failed({ exit_code: 3 }),
      logs(
        `STEP 1/1: ${text}\npreparing\n`,
        `Error: building at STEP "${text}": while running runtime: exit status 3\njobforge: BuildFailed: no\n`
      )
    )
    assert.strictEqual(diagnosis.cause, "command-failed")
    assert.strictEqual(diagnosis.error?.line, "preparing")
  })

  it("shows a line as a terminal would in the end", () => {
    const stderr = "\u001B[31m10 %\r50 %\r\u001B[1mE: Unable to locate package foo\u001B[0m\u0007\r\n"
    const diagnosis = diagnose(failed({ exit_code: 100 }), logs("", stderr))
    assert.strictEqual(diagnosis.error?.line, "E: Unable to locate package foo")
    assert.strictEqual(diagnosis.cause, "package-missing")
  })

  it("reads the status's last lines where the archive has none", () => {
    const status = failed({ exit_code: 127, phase: "test", reason: "TestFailed", command: "pytest" })
    const [only] = status.attempts
    assert.isDefined(only?.outcome)
    if (only?.outcome === undefined || only.outcome.result === "succeeded") return
    const outcome = { ...only.outcome, log_tail: ["[main/stdout] starting", "[main/stderr] sh: 1: pytest: not found"] }
    const diagnosis = diagnose({ ...status, attempts: [{ ...only, outcome }] })
    assert.strictEqual(diagnosis.cause, "command-not-found")
    assert.deepInclude(diagnosis.error, { line: "sh: 1: pytest: not found", stream: "stderr" })
    assert.isTrue(diagnosis.truncated)
  })

  it.each([
    [137, "out-of-memory"],
    [139, "crash"],
    [134, "crash"],
    [126, "permission-denied"],
    [127, "command-not-found"],
    [124, "timeout"],
    [3, "command-failed"]
  ])("understands exit code %i when the output says nothing", (code, cause) => {
    const diagnosis = diagnose(failed({ phase: "test", reason: "TestFailed", exit_code: code, command: "./run" }))
    assert.strictEqual(diagnosis.cause, cause)
    assert.strictEqual(diagnosis.exit_code, code)
  })

  it("names the field of a record that can't be built", () => {
    const { phase: _phase, ...invalid } = failed({ reason: "InvalidSpec" })
    const { failed_phase: _failed, ...rest } = invalid
    const diagnosis = diagnose({
      ...rest,
      attempts: [],
      errors: [{ path: "image_name", message: "image_name is required" }]
    })
    assert.strictEqual(diagnosis.cause, "invalid-spec")
    assert.include(diagnosis.next_action, "image_name")
    assert.isFalse(diagnosis.retryable)
  })

  it("names limit and value of a phase that ran out of memory", () => {
    const diagnosis = diagnose(
      failed({ reason: "OutOfMemory", exit_code: 137, config: { resource_limits: { build: { memory: "512" } } } })
    )
    assert.include(diagnosis.next_action, "resource_limits.build.memory (now 512 MB)")
  })

  it("tells a secret that can't be read from a login to Vault that doesn't succeed", () => {
    const path = "secret/data/ci/registry"
    assert.include(secretAdvice(`the task waits for a secret: Missing: vault.read(${path})`), path)
    for (const message of [
      'Vault: failed to derive vault token: failed to login with JWT: role "x" could not be found',
      "the task waits for a secret: Vault has not answered the task's client yet"
    ]) {
      assert.include(secretAdvice(message), "VAULT_ROLE")
    }
  })

  it("names the setting where no node is in the datacenters that steps may run in, and only there", () => {
    const of = (words: string) =>
      diagnose(failed({ label: "unplaceable", reason: "Unplaceable", message: `Nomad can't place the job: ${words}` }))
        .next_action
    const empty = 'No nodes are available in datacenter "cluster"'
    assert.include(
      of(`No nodes were eligible for evaluation; ${empty}`),
      "NOMAD_DATACENTERS that has nodes (now cluster)"
    )
    assert.notInclude(of(`${empty}; Dimension "memory" exhausted on 2 nodes`), "NOMAD_DATACENTERS")
  })

  it("sends to the record where that was deleted, and to a retry where somebody ended the job", () => {
    const of = (reason: "Cancelled" | "Deleted") => diagnose(failed({ label: "cancelled", reason, message: "ended" }))
    assert.isFalse(of("Deleted").retryable)
    assert.include(of("Deleted").next_action, "write the record again")
    assert.isTrue(of("Cancelled").retryable)
    assert.include(of("Cancelled").next_action, "retry it")
  })

  it("says how a running job stands, and that nothing has failed", () => {
    const diagnosis = diagnose({ ...running, attempts: [{ ...attempt, started_at: 2000, deadline_at: 9000 }] })
    assert.isUndefined(diagnosis.cause)
    assert.isUndefined(diagnosis.error)
    assert.deepInclude(diagnosis, { phase: "build", attempt: 1, retryable: false })
    assert.include(diagnosis.summary, "1970-01-01T00:00:02.000Z")
  })

  it("says what a waiting job waits for", () => {
    const waiting = {
      reason: "WaitingForSlot" as const,
      message: "teams/other (job 1) holds the same image",
      holder: { name: "teams/other", job_id: "1" },
      position: 1,
      slots: [],
      since: 1000
    }
    assert.include(diagnose({ ...running, status: "PENDING", waiting }).next_action, "teams/other")
    const unplaced = { ...attempt, waiting: 'Dimension "memory" exhausted on 3 nodes' }
    assert.include(diagnose({ ...running, status: "PENDING", attempts: [unplaced] }).summary, "exhausted on 3 nodes")
  })

  it("says that a job which succeeded needs nothing", () => {
    const diagnosis = diagnose({ ...running, status: "SUCCEEDED", digest: "sha256:1" })
    assert.isUndefined(diagnosis.cause)
    assert.include(diagnosis.summary, "sha256:1")
  })

  it("is read by people, too", () => {
    const text = describeDiagnosis(
      diagnose(failed({ exit_code: 100 }), logs("STEP 1/1: RUN x\n", "one\nE: Unable to locate package foo\ntwo\n"))
    )
    assert.include(text, "> E: Unable to locate package foo\n  two")
    assert.include(text, "1/1 RUN x")
    assert.notInclude(describeDiagnosis(diagnose(running)), "Cause")
  })

  const words = [
    "error: ",
    "STEP 1/2: RUN x",
    'Error: building at STEP "RUN x',
    "E: Unable to locate package ",
    "\u001B[31m",
    "\u001B]0;",
    "\r",
    "\n",
    "'\"\\`",
    "😀",
    "AssertionError ",
    "expected got want ",
    "at /a/b.c:1:2: error",
    "a".repeat(3000),
    "(((((((((((((((",
    "::::::::::::::",
    "globs [a matched nothing"
  ]
  const hostile = FastCheck.oneof(
    FastCheck.uint8Array({ maxLength: 3000 }),
    FastCheck.array(FastCheck.constantFrom(...words), { maxLength: 200 }).map((all) => Buffer.from(all.join("")))
  )

  it("is within its limit and valid whatever a build prints", () => {
    FastCheck.assert(
      FastCheck.property(hostile, hostile, FastCheck.constantFrom("build", "test"), (stdout, stderr, phase) => {
        const reason = phase === "build" ? "BuildFailed" : "TestFailed"
        const status = failed({ phase: phase === "build" ? "build" : "test", reason, command: "😀".repeat(5000) })
        const diagnosis = diagnose(status, { stdout, stderr })
        assert.isAtMost(bytesOf(diagnosis), maximumDiagnosisBytes)
        assert.isTrue(isValid(diagnosis))
        assert.isTrue(Buffer.from(JSON.stringify(diagnosis)).toString() === JSON.stringify(diagnosis))
      }),
      { numRuns: 300 }
    )
  })

  const mib = 1024 * 1024
  const giants: ReadonlyArray<readonly [string, (at: number) => string]> = [
    ["one endless line", () => "error: expected got ".repeat(50)],
    ["nothing but line ends", () => "\n".repeat(1000)],
    ["short lines that all sound like trouble", () => "error\n".repeat(200)],
    ["long lines that all sound like trouble", () => `${"cannot find expected a.c:1:2 got ".repeat(40)}\n`],
    ["compiler errors", (at) => `src/file${at}.c:${at}:10: error: expected ';' before 'x'\n`],
    ["progress bars", (at) => `\r${at} % error of 100`],
    ["colours", () => "\u001B[31mfailed\u001B[0m \u001B]8;;x".repeat(20)],
    ["quotes and brackets", () => `${"\"'`[({<".repeat(100)}\n`],
    ["noise", () => String.fromCodePoint(...Array.from({ length: 500 }, (_, at) => (at * 7919) % 0xd000))]
  ]

  it.each(giants)("takes less than 200 ms for 8 MiB of %s", (_, piece) => {
    const pieces: Array<string> = []
    let length = 0
    for (let at = 0; length < 4 * mib; at++) {
      const next = piece(at)
      pieces.push(next)
      length += next.length
    }
    const { kept } = boundLog(Buffer.from(pieces.join("")).subarray(0, 6 * mib))
    const content = { stdout: kept, stderr: kept }
    // The first time pays for compiling the patterns.
    diagnose(failed(), content)
    const times = Array.from({ length: 3 }, () => {
      const before = performance.now()
      const diagnosis = diagnose(failed(), content)
      assert.isAtMost(bytesOf(diagnosis), maximumDiagnosisBytes)
      return performance.now() - before
    })
    assert.isBelow(Math.min(...times), 200)
  })
})
