import { Effect, Schema } from "effect"
import { diagnosis } from "../api/JobEndpoints.ts"
import { Diagnoses } from "./Diagnoses.ts"
import { implementRaw } from "./implement.ts"
import { jsonAnswer } from "./jsonAnswer.ts"

/** Why a job failed. Its lines are not escaped further: it has a size that it may not exceed. */
export const diagnosisRoutes = implementRaw(diagnosis, "Failed to diagnose job", (asked) =>
  Effect.gen(function* () {
    const diagnoses = yield* Diagnoses
    const { id } = yield* asked.path
    const body = yield* Effect.orDie(encode(yield* diagnoses.diagnose(id)))
    return jsonAnswer(body, { escaped: false })
  })
)

const encode = Schema.encode(diagnosis.successSchema)
