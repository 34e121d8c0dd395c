import { Array as Arr, type Effect } from "effect"
import type { JobInput } from "../../api/Requests.ts"
import type { CommandError } from "../CommandError.ts"
import { validated } from "./validated.ts"

/** `--image-tags`: parted by commas; blanks around a tag and empty ones mean nothing. */
export const splitTags = (text: string): ReadonlyArray<string> =>
  text
    .split(",")
    .map((tag) => tag.trim())
    .filter((tag) => tag !== "")

/** The job with its own tags, then the version's, then those of the command line; each once. */
export const withImageTags = (
  job: JobInput,
  more: { readonly automatic: ReadonlyArray<string>; readonly additional: ReadonlyArray<string> }
): Effect.Effect<JobInput, CommandError> => {
  const tags = Arr.dedupe([...(job.image_tags ?? []), ...more.automatic, ...more.additional])
  return validated(tags.length === 0 ? job : { ...job, image_tags: tags }, atTags)
}

/** All else was valid before. */
const atTags = ({ message, path }: { readonly message: string; readonly path: string }): string =>
  path.startsWith("image_tags") ? `the tags, with those of --image-tags: ${message}` : message
