import { assert, describe, it } from "@effect/vitest"
import { listView } from "../../src/commands/listView.ts"
import { job } from "./watch/watchedJobs.ts"

const name = "3f2c8f0e-7f0b-4d7c-9d0a-5e1a2b3c4d5e"

describe("the list on a terminal", () => {
  it("shows within 100 columns what a job does, and for how long", () => {
    const { config, created_at, metrics } = job()
    const past = {
      id: name,
      name,
      status: "PUBLISHING" as const,
      phase: "publish" as const,
      duration: 3_723_456_000_000,
      created_at,
      metrics,
      images: [],
      ...(config === undefined ? {} : { config })
    }
    const lines = listView({ jobs: [past], total: 1 }).map((line) => line.slice(0, 100))
    assert.deepStrictEqual(lines[0]?.split(/ {2,}/u).slice(0, 6), [
      "JOB",
      "STATUS",
      "PHASE",
      "DURATION",
      "OWNER",
      "IMAGE"
    ])
    assert.deepStrictEqual(lines[1]?.split(/ {2,}/u).slice(0, 6), [
      name,
      "PUBLISHING",
      "publish",
      "1h2m3s",
      "team",
      "team/web"
    ])
  })
})
