import { Effect, Schema } from "effect"
import { Diagnosis, maximumDiagnosisBytes } from "../../diagnosis/Diagnosis.ts"
import { Diagnoses } from "../Diagnoses.ts"
import { jobId } from "./arguments.ts"
import { prettyJson } from "./prettyJson.ts"
import { type Tool, tool, untrusted } from "./Tool.ts"
import { toolFailed } from "./ToolFault.ts"
import { readOnly } from "./watchTools.ts"

export const diagnoseJob: Tool<Diagnoses> = tool({
  name: "diagnoseJob",
  title: "Find out why a job failed",
  description: `Why a FAILED job failed, in one answer of at most 8 KiB: the cause, the failing phase and step (the Dockerfile instruction or the test command), the first error line with what stands around it, the last lines, whether the same submission may do better the next time (retryable), and next_action: what to do now. Call it once after waitForJob says FAILED; then mend what it names and submitJob again. getLogs is only needed when it says too little. ${untrusted}`,
  annotations: readOnly,
  input: Schema.Struct({ job_id: jobId }),
  output: Diagnosis,
  // Indented it may be larger than it may be.
  text: (_, encoded) => {
    const pretty = prettyJson(encoded)
    return Buffer.byteLength(pretty) <= maximumDiagnosisBytes ? pretty : JSON.stringify(encoded)
  },
  notice: untrusted,
  run: Effect.fnUntraced(function* ({ job_id: id }) {
    const diagnoses = yield* Diagnoses
    return yield* Effect.mapError(diagnoses.diagnose(id), toolFailed("Failed to diagnose job"))
  })
})
