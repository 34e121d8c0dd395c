import { Schema } from "effect"
import type { BuildJob } from "./BuildJob.ts"
import type { AskedRecord } from "./decodeRecord.ts"
import { RecordFields } from "./RecordFields.ts"

/** What a record says that nobody but the receiver of its webhooks may read. */
export const Confidential = Schema.Struct({
  webhook_secret: Schema.optional(Schema.String),
  webhook_headers: Schema.optional(Schema.Record({ key: Schema.String, value: Schema.String }))
})
export type Confidential = typeof Confidential.Type

/** A job without what is to be kept apart, and that. */
export const withoutConfidential = (
  job: BuildJob
): { readonly job: BuildJob; readonly confidential: Confidential | undefined } => {
  const { webhook_headers, webhook_secret, ...rest } = job
  if (webhook_headers === undefined && webhook_secret === undefined) return { job: rest, confidential: undefined }
  return {
    job: rest,
    confidential: {
      ...(webhook_secret === undefined ? {} : { webhook_secret }),
      ...(webhook_headers === undefined ? {} : { webhook_headers })
    }
  }
}

const encode = Schema.encodeSync(Schema.parseJson(RecordFields))

/** A record as clients write it: decoding the text gives the same record again. */
export const encodeRecord = ({ job, labels, onConflict, state }: AskedRecord): string =>
  encode({
    ...job,
    ...(state === "active" ? {} : { state }),
    ...(onConflict === "queue" ? {} : { on_conflict: onConflict }),
    ...(Object.keys(labels).length === 0 ? {} : { labels })
  })
