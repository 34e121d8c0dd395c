import { resolveJob } from "../domain/resolve.ts"
import { cleanupId } from "../domain/childIds.ts"
import { registryHost } from "../domain/ImageReference.ts"
import { cleanupSpec } from "../jobspec/cleanupSpec.ts"
import type { NomadJob } from "../jobspec/NomadJob.ts"
import type { Settings } from "../store/Settings.ts"
import type { Child } from "./Child.ts"

/** Where a build says in its Meta what it pushes to; undefined for one that publishes by itself. */
export const temporaryImageOf = ({ meta }: Child): string | undefined => meta["jobforge-temporary-image"]

/** Removes what a build pushed, by what the build's own Nomad job says: nothing else is left of its run. */
export const orphanCleanup = (
  installation: string,
  settings: Settings,
  build: Child,
  image: string,
  attempt: number
): NomadJob => {
  const credentials = build.meta["jobforge-registry-credentials"]
  const job = resolveJob(
    {
      owner: build.record,
      repo_url: "",
      image_name: "",
      registry_url: registryHost(image),
      ...(credentials === undefined ? {} : { registry_credentials_path: credentials })
    },
    settings.policy.defaults
  )
  return cleanupSpec(
    {
      installation,
      record: build.record,
      generation: Number(build.meta["jobforge-generation"] ?? 0),
      jobId: build.jobId,
      attempt,
      nomadId: cleanupId(build.jobId, attempt),
      job,
      settings: settings.spec
    },
    image
  )
}
