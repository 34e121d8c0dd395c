import { mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"

/** What one job of the test came to. */
export interface TestResult {
  readonly jobId: string
  readonly buildSuccess: boolean
  readonly testSuccess: boolean
  readonly buildLogs: ReadonlyArray<string>
  readonly testLogs: ReadonlyArray<string>
  /** When it was known. */
  readonly at: Date
  /** Milliseconds, from submission to end. */
  readonly duration: number
}

/** Writes both logs and the result, under the names and with the fields that tools look for. Answers with the result's file. */
export const writeResult = async (folder: string, result: TestResult): Promise<string> => {
  const { buildLogs, jobId, testLogs } = result
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, `build_logs_${jobId}.txt`), textOf(buildLogs))
  await writeFile(join(folder, `test_logs_${jobId}.txt`), textOf(testLogs))
  const file = join(folder, `test_result_${jobId}.json`)
  const fields = {
    job_id: jobId,
    build_success: result.buildSuccess,
    test_success: result.testSuccess,
    build_logs: buildLogs,
    test_logs: testLogs,
    timestamp: result.at.toISOString(),
    // Nanoseconds, as everywhere in this service's JSON.
    duration: Math.round(result.duration * 1_000_000)
  }
  await writeFile(file, `${JSON.stringify(fields, null, 2)}\n`)
  return file
}

const textOf = (lines: ReadonlyArray<string>): string => lines.map((line) => `${line}\n`).join("")
