import { Schema } from "effect"

const Digest = Schema.String.pipe(Schema.pattern(/^sha256:[0-9a-f]{64}$/))

/** What the step's container has used: thousandths of a core on average, bytes of memory at most, KiB of disk at its end. */
const usage = Schema.optional(
  Schema.Struct({ cpu: Schema.NonNegativeInt, memory: Schema.NonNegativeInt, disk: Schema.NonNegativeInt })
)

/** `result.json` of a build: read by `fs/cat` of `alloc/result.json`, never from a log. */
export const BuildResult = Schema.parseJson(
  Schema.Struct({
    digest: Digest,
    commit: Schema.String.pipe(Schema.pattern(/^[0-9a-f]{40,64}$/)),
    images: Schema.NonEmptyArray(Schema.String),
    usage
  })
)

/** `result.json` of a publish step. */
export const PublishResult = Schema.parseJson(
  Schema.Struct({ digest: Digest, images: Schema.NonEmptyArray(Schema.String), usage })
)

/** `failure.json`: there when a script of ours gave up by itself, and not when it was stopped. */
export const StepFailure = Schema.parseJson(
  Schema.Struct({ reason: Schema.String, exitCode: Schema.Int, message: Schema.String, usage })
)
