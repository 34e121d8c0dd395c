import type { Diagnoses } from "../Diagnoses.ts"
import type { JobLogs } from "../JobLogs.ts"
import type { Jobs } from "../Jobs.ts"
import { diagnoseJob } from "./diagnoseTool.ts"
import { getHistory, listJobs } from "./listTools.ts"
import { getLogs } from "./logsTool.ts"
import { submitJob } from "./submitTool.ts"
import type { Tool } from "./Tool.ts"
import { cleanup, cleanupZombies, killJob, purgeFailedJob, retryJob } from "./verbTools.ts"
import { getStatus, waitForJob } from "./watchTools.ts"

/** What the tools need of the service. */
export type ToolServices = Diagnoses | JobLogs | Jobs

/** In the order in which clients have always got the first seven. */
export const tools: ReadonlyArray<Tool<ToolServices>> = [
  cleanup,
  getHistory,
  getLogs,
  getStatus,
  killJob,
  purgeFailedJob,
  submitJob,
  waitForJob,
  diagnoseJob,
  retryJob,
  listJobs,
  cleanupZombies
]
