import type { Reason } from "../domain/Status.ts"
import type { Scene } from "./Scene.ts"

/** A step's image that its node could not have. */
export interface FailedPull {
  readonly image: string
  /** Of the installation, by the setting that names it, or else of the job. */
  readonly setting: "BUILDER_IMAGE" | "PUBLISHER_IMAGE" | undefined
}

/** Told by the words of Nomad's docker driver, which begin so; what a step's own script says doesn't. */
export const failedPull = ({ message, phase, reason }: Scene): FailedPull | undefined => {
  const [, image] = /^Failed to pull `([^`]{1,1000})`/.exec(message) ?? []
  return image === undefined || phase === undefined || !pullReasons.has(reason)
    ? undefined
    : { image, setting: settings[phase] }
}

/** What to do about it: somebody else's work where the image is the installation's. */
export const pullAdvice = ({ image, setting }: FailedPull, { reason }: Pick<Scene, "reason">): string => {
  const named = image.length <= longestName ? image : `${image.slice(0, longestName - 1)}…`
  if (setting !== undefined) return `${mendOf(reason, setting, named)}, then retry: nothing is wrong with the job.`
  switch (reason) {
    case "RegistryAuthRefused":
      return `Have the operator log Nomad's clients in to the registry of ${named} (the docker plugin's auth): it is the job's own image, which its build pushed and which they pull for its tests.`
    case "RegistryUnreachable":
      return `Check that Nomad's clients reach the registry of ${named}, the job's own image that its build pushed (REGISTRY_URL, or else the job's registry_url), then retry.`
    default:
      return `Retry: the job's own image ${named}, which its build pushed, is gone from its registry. If it happens again, see what deletes images there.`
  }
}

const mendOf = (reason: Reason, setting: string, image: string): string => {
  switch (reason) {
    case "RegistryAuthRefused":
      return `Have the operator name an image in ${setting} that there is (now ${image}; manifests/builder makes it), or log Nomad's clients in to its registry (the docker plugin's auth)`
    case "RegistryUnreachable":
      return `Have the operator see that Nomad's clients reach the registry of ${setting} (now ${image}), or name another one`
    default:
      return `Have the operator push the image that manifests/builder makes to a registry that Nomad's clients pull from, and name it in ${setting} (now ${image})`
  }
}

const settings = { build: "BUILDER_IMAGE", publish: "PUBLISHER_IMAGE", test: undefined } as const

const pullReasons: ReadonlySet<Reason> = new Set(["ImageNotFound", "RegistryAuthRefused", "RegistryUnreachable"])

/** Characters that leave room for the sentence around it. */
const longestName = 200
