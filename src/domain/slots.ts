import { createHash } from "node:crypto"
import { finalImage, finalRepository } from "./ImageReference.ts"
import type { ResolvedJob } from "./resolve.ts"

/**
 * What a run holds exclusively, as the last part of a key below `slots/`: a hash of what is held, since image names
 * and refs hold every separator that could join them.
 */
export type Slot = string

/** One run at a time builds an image from a ref: two would race for the same layers and the same outcome. */
export const buildSlot = (job: ResolvedJob): Slot => slot("build", finalRepository(job), job.repo_url, job.git_ref)

/** One run at a time publishes a final `image:tag`. The tag of the job's own id is nobody else's, so it needs none. */
export const publishSlots = (job: ResolvedJob): ReadonlyArray<Slot> =>
  [...new Set(job.image_tags)].map((tag) => slot("publish", finalImage(job, tag)))

/** All that a run of this job may ever hold. */
export const allSlots = (job: ResolvedJob): ReadonlyArray<Slot> => [buildSlot(job), ...publishSlots(job)]

const slot = (...parts: ReadonlyArray<string>): Slot =>
  createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 40)
