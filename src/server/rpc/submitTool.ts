import { Effect, Option, Predicate } from "effect"
import { isPrintable } from "../../domain/BuildJobText.ts"
import { fieldError } from "../../domain/FieldError.ts"
import { jobJsonSchema } from "../../domain/jsonSchema.ts"
import { Submitted } from "../../api/Answers.ts"
import { Jobs } from "../Jobs.ts"
import { prettyJson } from "./prettyJson.ts"
import { inlineSchema, type Tool } from "./Tool.ts"
import { badArguments, toolFailed } from "./ToolFault.ts"

/** Characters of an idempotency key, on every interface. */
const maximumKeyLength = 255

/** Takes a BuildJob, checked by the one decoder that every interface has. */
export const submitJob: Tool<Jobs> = {
  name: "submitJob",
  title: "Submit a build job",
  description: [
    "Builds a container image from a Git repository, tests it and publishes it to a registry. Answers at once with the job_id; the job goes on by itself.",
    "The loop: submitJob, then waitForJob with the job_id until it has ended. SUCCEEDED: its digest names the published image.",
    "FAILED: diagnoseJob says why and what to do; mend the repository or this configuration and call submitJob again.",
    "Required: owner, repo_url, image_name, registry_url. A wrong configuration is answered with all of its faults, and no job is made.",
    "Credentials are never given here, only the Vault paths where they lie."
  ].join(" "),
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: true },
  inputSchema: {
    ...jobJsonSchema,
    properties: {
      ...("properties" in jobJsonSchema ? jobJsonSchema.properties : {}),
      idempotency_key: {
        type: "string",
        minLength: 1,
        maxLength: maximumKeyLength,
        description:
          "Makes repeated submissions one job, for a day: give a new one to each job that you mean, and the same one when you repeat a call whose answer was lost."
      }
    }
  },
  outputSchema: inlineSchema(Submitted),
  slow: false,
  call: Effect.fnUntraced(function* ({ idempotency_key: key, ...config }) {
    if (key !== undefined && !isKey(key)) {
      const fault = `must be a text of 1 to ${maximumKeyLength} printable characters`
      return yield* badArguments("submitJob", [fieldError(["idempotency_key"], fault)])
    }
    const jobs = yield* Jobs
    const failed = Effect.mapError(toolFailed("Failed to create job"))
    const { jobId, repeated } = yield* failed(jobs.submit(config, key === undefined ? {} : { submitKey: key }))
    const earlier = repeated ? Option.some(yield* failed(jobs.find(jobId))) : Option.none()
    const structured: Submitted = {
      job_id: jobId,
      status: Option.match(earlier, { onNone: () => "PENDING", onSome: ({ status }) => status.status })
    }
    return { structured: { ...structured }, texts: [prettyJson(structured)] }
  })
}

const isKey = (key: unknown): key is string =>
  Predicate.isString(key) && key.trim() !== "" && isPrintable(key, maximumKeyLength)
