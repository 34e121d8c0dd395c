import { assert, describe, it } from "@effect/vitest"
import { Either, Schema } from "effect"
import { JobState } from "../../../src/api/JobState.ts"
import { branchOf, endedRecord, submittedRecord } from "../../../src/commands/history/BuildRecord.ts"
import { historyText } from "../../../src/commands/history/historyText.ts"
import { metadataText } from "../../../src/commands/history/metadataText.ts"
import { statusText } from "../../../src/commands/history/statusText.ts"
import { parseRecordText } from "../../../src/domain/parseRecordText.ts"
import { cancelled, failed, id, job, succeeded } from "./builds.ts"

const submitted = submittedRecord(id, job, new Date("2026-11-20T09:59:58.123Z"))
const good = endedRecord(submitted, job, succeeded)
const bad = endedRecord(submitted, job, failed)

describe("the states that the texts are made of", () => {
  it("are states of the service's", () => {
    for (const state of [succeeded, failed, cancelled]) Schema.decodeSync(JobState)(state)
  })
})

describe("metadata.yaml", () => {
  it("tells of a submission what is known then", () => {
    assert.strictEqual(
      metadataText(submitted),
      `job_id: ${id}
submitted_at: 2026-11-20T09:59:58.123Z
status: PENDING
branch: develop
git_ref: refs/heads/develop
purpose: release candidate
job_config:
    owner: team
    repo_url: https://git.example.com/app.git
    git_ref: refs/heads/develop
    image_name: web/app
    image_tags:
        - latest
        - develop-v0.1.5
    registry_url: registry.example.com
    test:
        commands:
            - make test
        env:
            MODE: fast
    labels:
        purpose: release candidate
`
    )
  })

  it("tells of an ended job how each phase went", () => {
    const config = metadataText(submitted).split("job_config:")[1] ?? ""
    assert.strictEqual(
      metadataText(good),
      `job_id: ${id}
submitted_at: 2026-11-20T09:59:58.123Z
started_at: 2026-11-20T10:00:00.000Z
completed_at: 2026-11-20T10:04:12.000Z
status: SUCCEEDED
branch: develop
git_ref: refs/heads/develop
purpose: release candidate
job_config:${config}phases:
    build:
        status: SUCCEEDED
        started_at: 2026-11-20T10:00:01.000Z
        completed_at: 2026-11-20T10:02:01.000Z
        duration: 2m0s
    test:
        status: SUCCEEDED
        started_at: 2026-11-20T10:02:02.000Z
        completed_at: 2026-11-20T10:03:32.400Z
        duration: 1m30s
    publish:
        status: SUCCEEDED
        started_at: 2026-11-20T10:04:11.000Z
        completed_at: 2026-11-20T10:04:11.500Z
        duration: 1s
`
    )
  })

  it("tells of a failed job where it failed, and the truth of every phase", () => {
    const text = metadataText(bad)
    assert.include(
      text,
      `status: FAILED
branch: develop
git_ref: refs/heads/develop
purpose: release candidate
error: |-
    make test ended with 2
    \`\`\`
    ## not a build (x)
failed_phase: test
job_config:
`
    )
    assert.isTrue(
      text.endsWith(`phases:
    build:
        status: SUCCEEDED
        started_at: 2026-11-20T10:00:01.000Z
        completed_at: 2026-11-20T10:02:01.000Z
        duration: 2m0s
    test:
        status: FAILED
        started_at: 2026-11-20T10:02:02.000Z
        completed_at: 2026-11-20T10:02:07.000Z
        duration: 5s
`),
      text
    )
  })

  it("doesn't call a phase failed that was over when the job was cancelled", () => {
    const text = metadataText(endedRecord(submitted, job, cancelled))
    assert.include(text, "    build:\n        status: SUCCEEDED\n")
    assert.notInclude(text, "failed_phase")
  })

  it("calls a phase failed that was stopped, and one that never came to run", () => {
    const stopped = endedRecord(submitted, job, {
      ...cancelled,
      attempts: cancelled.attempts.map((attempt) => ({ ...attempt, result: "stopped" as const }))
    })
    assert.deepStrictEqual(
      stopped.phases.map(({ phase, status }) => [phase, status]),
      [["build", "FAILED"]]
    )
    const unplaced = endedRecord(submitted, job, { ...cancelled, failed_phase: "test" })
    assert.deepStrictEqual(
      unplaced.phases.map(({ phase, status }) => [phase, status]),
      [
        ["build", "SUCCEEDED"],
        ["test", "FAILED"]
      ]
    )
  })

  it("is read back as it was meant, whatever a value looks like", () => {
    const odd = { ...job, git_ref: "2026-11-20", labels: { purpose: "yes", note: "a: b # c", line: "0o17" } }
    const text = metadataText(submittedRecord(id, odd, new Date(0)))
    assert.deepInclude(Either.getOrThrow(parseRecordText(text)), {
      git_ref: "2026-11-20",
      purpose: "yes",
      job_config: odd
    })
    assert.include(text, "git_ref: '2026-11-20'\n")
  })
})

describe("status.md", () => {
  it("tells of a job that succeeded", () => {
    assert.strictEqual(
      statusText(good),
      `# Build Status: ${id}

✅ Status: SUCCEEDED
**Branch**: develop
**Git Ref**: refs/heads/develop
**Started**: 2026-11-20 10:00:00 UTC
**Completed**: 2026-11-20 10:04:12 UTC
**Duration**: 4m12s

## Phases
- Build: ✅ SUCCESS (2m0s)
- Test: ✅ SUCCESS (1m30s)
- Publish: ✅ SUCCESS (1s)

## Image
- Registry: registry.example.com
- Image: web/app
- Tags: ${id}, latest, develop-v0.1.5
`
    )
  })

  it("tells of a job that failed, with its error in a block that the error can't end", () => {
    assert.strictEqual(
      statusText(bad),
      `# Build Status: ${id}

❌ Status: FAILED
**Branch**: develop
**Git Ref**: refs/heads/develop
**Started**: 2026-11-20 10:00:00 UTC
**Completed**: 2026-11-20 10:02:08 UTC
**Duration**: 2m8s

## Phases
- Build: ✅ SUCCESS (2m0s)
- Test: ❌ FAILED (5s)

## Image
- Registry: registry.example.com
- Image: web/app
- Tags: ${id}, latest, develop-v0.1.5

## Error
\`\`\`\`
make test ended with 2
\`\`\`
## not a build (x)
\`\`\`\`
`
    )
  })
})

const pending = `# Build History

## ${id} (2026-11-20 09:59:58 UTC)
**Branch**: develop | **Git Ref**: refs/heads/develop
**Status**: ⏳ PENDING | **Duration**: 0s | **Purpose**: release candidate
**Tags**: ${id}, latest, develop-v0.1.5

`

const ended = `## ${id} (2026-11-20 10:02:08 UTC)
**Branch**: develop | **Git Ref**: refs/heads/develop
**Status**: ❌ FAILED | **Duration**: 2m8s | **Purpose**: release candidate
**Tags**: ${id}, latest, develop-v0.1.5
**Error**: make test ended with 2 \`\`\` ## not a build (x)

`

const other =
  "## 4f6c (2026-11-19 08:00:00 UTC)\n**Branch**: main | **Git Ref**: main\n**Status**: ✅ SUCCEEDED | **Duration**: 5s\n\n"

describe("history.md", () => {
  it("begins with a header", () => {
    assert.strictEqual(historyText("", submitted), pending)
  })

  it("has the newest build first", () => {
    assert.strictEqual(historyText(`# Build History\n\n${other}`, submitted), `${pending}${other}`)
  })

  it("has one entry for a build, which is updated where it stands", () => {
    const newer = other.replace("4f6c", "77aa")
    const before = historyText("", submitted).replace("# Build History\n\n", `# Build History\n\n${newer}`)
    assert.strictEqual(historyText(`${before}${other}`, bad), `# Build History\n\n${newer}${ended}${other}`)
    assert.strictEqual(historyText(historyText("", bad), bad), `# Build History\n\n${ended}`)
  })

  it("leaves one entry where earlier tools wrote two", () => {
    const [header = "", entry = ""] = pending.split(/(?=## )/)
    assert.strictEqual(historyText(`${header}${entry}${other}${entry}`, bad), `${header}${ended}${other}`)
  })

  it("keeps whatever else is written in the file", () => {
    const notes = "# Build History\n\nKept by team.\n\n"
    assert.strictEqual(historyText(`${notes}${other}`, bad), `${notes}${ended}${other}`)
    assert.strictEqual(historyText(other, bad), `# Build History\n\n${ended}${other}`)
    assert.strictEqual(historyText("# Build History", bad), `# Build History\n\n${ended}`)
  })
})

describe("the branch", () => {
  it.each([
    ["refs/heads/develop", "develop"],
    ["refs/heads/feature/x", "feature/x"],
    ["refs/tags/v1.0.0", "v1.0.0"],
    ["main", "main"],
    ["refs/pull/5/head", "refs/pull/5/head"],
    ["", "unknown"],
    ["refs/heads/", "unknown"]
  ])("of the ref '%s' is %s", (ref, branch) => {
    assert.strictEqual(branchOf(ref), branch)
  })

  it("is the service's default where the configuration names none", () => {
    const { git_ref: _ref, labels: _labels, ...rest } = job
    const record = submittedRecord(id, rest, new Date(0))
    assert.deepStrictEqual([record.branch, record.gitRef, record.purpose], ["main", "main", undefined])
  })
})
