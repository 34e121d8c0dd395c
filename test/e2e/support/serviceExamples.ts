import { existsSync } from "node:fs"
import { join } from "node:path"
import { assert } from "@effect/vitest"
import { type Example, isSubmission, json, uuid } from "./Example.ts"
import type { Ended } from "./Shell.ts"

export const submissions: ReadonlyArray<Example> = [
  { script: "jobforge submit-job build.yaml", holds: isSubmission },
  { script: "jobforge submit-job -config build.yaml", holds: isSubmission },
  {
    script:
      "printf 'owner: team-g\\nimage_tags: [from-global]\\n' > global.yaml; jobforge submit-job -global global.yaml build.yaml",
    holds: isSubmission
  },
  { script: 'jobforge submit-job --global=build.yaml \'{"git_ref": "main"}\'', holds: isSubmission },
  { script: 'jobforge submit-job build.yaml --image-tags "v1.0.0,latest"', holds: isSubmission },
  { script: "jobforge submit-job --image-tags=a,b build.yaml", holds: isSubmission },
  { script: "cat build.yaml | jobforge submit-job", holds: isSubmission },
  { script: "cat build-config.json | jobforge submit-job", holds: isSubmission },
  { script: 'jobforge submit-job "$(cat build-config.json)"', holds: isSubmission },
  {
    script: "JOB_ID=$(cat build-config.json | jobforge submit-job | jq -r '.job_id'); echo \"$JOB_ID\"",
    holds: ({ stdout }) => assert.match(stdout.trim(), uuid)
  },
  { script: "jobforge submit-job build.yaml -o name", holds: ({ stdout }) => assert.match(stdout.trim(), uuid) },
  {
    script: "jobforge submit-job --history build.yaml | jq -r .job_id",
    holds: ({ stderr, stdout }, shell) => {
      assert.match(stdout.trim(), uuid)
      assert.include(stderr, "History recorded to: ")
      assert.isTrue(existsSync(join(shell.folder, "deploy", "builds", stdout.trim(), "metadata.yaml")))
    }
  },
  {
    script: "jobforge submit-job",
    code: 2,
    holds: ({ stderr, stdout }) => {
      assert.strictEqual(stdout, "")
      assert.include(stderr, "Error: no job configuration provided")
    }
  },
  {
    script: 'jobforge submit-job \'{"owner": "a"}\'',
    code: 2,
    holds: ({ stderr, stdout }) => {
      assert.strictEqual(stdout, "")
      for (const field of ["repo_url", "image_name", "registry_url"]) assert.include(stderr, `${field} is required`)
    }
  },
  {
    script: "jobforge submit-job no-such-file.yaml",
    code: 2,
    holds: ({ stderr }) => assert.include(stderr, "no-such-file.yaml")
  },
  {
    script: "jobforge submit-job build.yaml --histroy",
    code: 2,
    holds: ({ stderr }) => assert.include(stderr, "--histroy")
  }
]

export const readings: ReadonlyArray<Example> = [
  {
    script: "jobforge get-status $id | jq -r .status",
    holds: ({ stdout }) => assert.strictEqual(stdout, "SUCCEEDED\n")
  },
  {
    script: "jobforge -u $JOB_SERVICE_URL get-status $id | jq -r .job_id",
    holds: ({ stdout }) => assert.match(stdout.trim(), uuid)
  },
  {
    script: "jobforge --url=$JOB_SERVICE_URL/ get-status $id -o table",
    holds: ({ stdout }) => assert.match(stdout, /^JOB +STATUS .*\n.* SUCCEEDED /)
  },
  { script: "jobforge get-status $id -o yaml", holds: ({ stdout }) => assert.match(stdout, /^status: SUCCEEDED$/m) },
  {
    script: "jobforge get-status 00000000-0000-4000-8000-000000000000",
    code: 6,
    holds: ({ stderr }) => assert.match(stderr, /^Error: failed to get status: HTTP 404: Job not found/)
  },
  {
    script: "jobforge -u http://127.0.0.1:1 get-status $id",
    code: 5,
    holds: ({ stderr }) => assert.match(stderr, /^Error: failed to get status: /)
  },
  {
    script: "jobforge get-logs $id | jq -r '.logs.build | length > 0'",
    holds: ({ stdout }) => assert.strictEqual(stdout, "true\n")
  },
  ...["get-logs --phase build $id", "get-logs $id --phase=build", "get-logs $id build"].map((command) => ({
    script: `jobforge ${command} | jq -c '[(.logs.build | length > 0), .logs.test, .logs.publish]'`,
    holds: ({ stdout }: Ended) => assert.strictEqual(stdout, "[true,[],[]]\n")
  })),
  {
    script: "jobforge get-logs --phase deploy $id",
    code: 2,
    holds: ({ stderr }) => assert.include(stderr, "invalid phase: deploy (must be build, test, or publish)")
  },
  {
    script: "jobforge logs $id build | head -n 1",
    holds: ({ stdout }) => assert.match(stdout, /^\[main\/std(?:out|err)\] .*\n$/)
  },
  { script: "jobforge logs -f $id | wc -l", holds: ({ stdout }) => assert.isAbove(Number(stdout), 3) },
  {
    script: "jobforge get-history",
    holds: ({ stdout }) => assert.hasAllKeys(json(stdout), ["jobs", "total"])
  },
  {
    script: "jobforge get-history 1 1 | jq '.jobs | length'",
    holds: ({ stdout }) => assert.strictEqual(stdout, "1\n")
  },
  { script: "jobforge get-history many", code: 2, holds: ({ stderr }) => assert.include(stderr, "many") },
  {
    script: "jobforge health",
    holds: ({ stdout }, _, line) => {
      assert.match(
        stdout,
        new RegExp(`^Service URL: ${line.url}\n\n✅ Overall Status: healthy\nTimestamp: .*\n\nServices:\n`)
      )
      assert.include(stdout, "  ✅ consul: healthy\n")
    }
  },
  {
    script: "jobforge list --status succeeded -o name | head -n 1",
    holds: ({ stdout }) => assert.match(stdout.trim(), uuid)
  },
  {
    script: "jobforge list --owner nobody",
    holds: ({ stdout }) => assert.strictEqual(stdout.trim().split("\n").length, 1)
  },
  { script: "jobforge wait $id --timeout 5s -o name", holds: ({ stdout }) => assert.match(stdout.trim(), uuid) },
  { script: "jobforge events $id", holds: ({ stdout }) => assert.match(stdout, /^TIME +REASON +MESSAGE\n/) },
  { script: "jobforge events $id --follow | tail -n 1", holds: ({ stdout }) => assert.include(stdout, "SUCCEEDED") },
  { script: "jobforge cleanup $id | jq .success", holds: ({ stdout }) => assert.strictEqual(stdout, "true\n") },
  {
    script: `jobforge get-history 20 | jq '.jobs[] | select(.status == "BUILDING" or .status == "TESTING" or .status == "PUBLISHING") | {id: .id, status: .status, owner: .config.owner}'`
  }
]
