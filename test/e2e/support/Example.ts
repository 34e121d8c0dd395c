import { assert } from "@effect/vitest"
import type { CommandLine } from "./commandLine.ts"
import type { Ended, Shell } from "./Shell.ts"

export interface Example {
  /** What a user types; `$id` is a job that ended well. */
  readonly script: string
  readonly code?: number
  readonly input?: (line: CommandLine) => string
  readonly holds?: (ended: Ended, shell: Shell, line: CommandLine) => void
}

export const json = (text: string): Record<string, unknown> => {
  const value: unknown = JSON.parse(text)
  assert.isObject(value)
  return Object.fromEntries(Object.entries(value ?? {}))
}

export const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

export const isSubmission = ({ stdout }: Ended): void => {
  const { job_id: id, status, ...more } = json(stdout)
  assert.match(String(id), uuid)
  assert.include(["PENDING", "BUILDING"], status)
  assert.deepStrictEqual(more, {})
  assert.match(stdout, /^\{\n  "job_id": "/)
}
