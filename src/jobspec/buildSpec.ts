import { Option } from "effect"
import { createHash } from "node:crypto"
import { registryHost } from "../domain/ImageReference.ts"
import { batchJob, sorted } from "./batchJob.ts"
import { buildScript } from "./buildScript.ts"
import {
  builderUser,
  certificateMount,
  certificateVolume,
  registryEnvironment,
  scriptEntrypoint
} from "./builderTask.ts"
import { driverText } from "./driverText.ts"
import type { DockerConfig, NomadJob } from "./NomadJob.ts"
import type { PhaseInput } from "./PhaseInput.ts"
import { registryLogins } from "./registries.ts"
import type { SpecSettings } from "./SpecSettings.ts"
import { gitTemplates, registryTemplates } from "./vaultTemplates.ts"

/**
 * Where the build pushes to: the image that the tests run, or, for a job without tests, what is published. Of final images
 * the one tagged with the job's id comes first.
 */
export type BuildTarget =
  | { readonly kind: "temporary"; readonly image: string }
  | { readonly kind: "final"; readonly images: ReadonlyArray<string> }

export const buildSpec = (input: PhaseInput, target: BuildTarget): NomadJob => {
  const { job, settings } = input
  const images = target.kind === "temporary" ? [target.image] : target.images
  const temporary = target.kind === "temporary" ? Option.some(target.image) : Option.none()
  const { cacheVolume } = settings
  return batchJob(input, {
    phase: "build",
    meta: target.kind === "temporary" ? temporaryMeta(input, target.image) : {},
    limits: job.resources.build,
    docker: rootless(settings, scriptEntrypoint(buildScript, images)),
    templates: [...gitTemplates(job, settings), ...registryTemplates(registryLogins(input, temporary), settings)],
    group: {
      Volumes: {
        cache: { Name: "cache", Type: "host", Source: cacheVolume.name, ReadOnly: false },
        ...certificateVolume(settings)
      }
    },
    task: {
      User: builderUser,
      Env: environment(input, target, images),
      VolumeMounts: [
        { Volume: "cache", Destination: cacheVolume.destination, ReadOnly: false, PropagationMode: "private" },
        ...certificateMount(settings)
      ]
    }
  })
}

/** What removing the image takes, should nothing but the Nomad job be left of the run that pushed it. */
const temporaryMeta = ({ job }: PhaseInput, image: string): Readonly<Record<string, string>> => ({
  "jobforge-temporary-image": image,
  ...(job.registry_credentials_path === undefined || registryHost(job.registry_url) !== registryHost(image)
    ? {}
    : { "jobforge-registry-credentials": job.registry_credentials_path })
})

/**
 * One store for each project, so that nobody's layers can be read or poisoned by another's build: a project is what an
 * owner builds from one repository into one image.
 */
const cacheKey = ({ job }: PhaseInput): string =>
  createHash("sha256")
    .update(JSON.stringify([job.owner, job.repo_url, job.registry_url, job.image_name]))
    .digest("hex")
    .slice(0, 32)

const environment = (
  input: PhaseInput,
  target: BuildTarget,
  images: ReadonlyArray<string>
): Readonly<Record<string, string>> => {
  const { job, settings } = input
  return sorted({
    ...registryEnvironment(input, images),
    BUILDAH_ISOLATION: "chroot",
    STORAGE_DRIVER: settings.storageDriver,
    ...(settings.fuse ? { STORAGE_OPTS: "overlay.mount_program=/usr/bin/fuse-overlayfs" } : {}),
    JOBFORGE_CACHE: settings.cacheVolume.destination,
    JOBFORGE_CACHE_KEY: cacheKey(input),
    JOBFORGE_CACHE_LIMIT_MB: String(settings.cacheVolume.limitMb),
    JOBFORGE_CLEAR_CACHE: String(job.clear_cache),
    JOBFORGE_CONTEXT: job.dockerfile_context,
    JOBFORGE_DOCKERFILE: job.dockerfile_path,
    JOBFORGE_FORMAT: settings.imageFormat,
    JOBFORGE_GIT_REF: job.git_ref,
    JOBFORGE_REPO_URL: job.repo_url,
    JOBFORGE_SSH_HOST_KEYS: settings.sshHostKeys,
    JOBFORGE_TARGET: target.kind
  })
}

/**
 * The least that rootless Buildah works with. Docker's default seccomp profile refuses `unshare(CLONE_NEWUSER)`;
 * newuidmap and newgidmap need the two capabilities; and `no-new-privileges` would take their file capabilities away.
 * A profile of the operator's is filtered by the container's capabilities, hence `sys_chroot`.
 */
const rootless = (
  settings: SpecSettings,
  entrypoint: ReadonlyArray<string>
): Omit<DockerConfig, "network_mode" | "logging"> => ({
  image: driverText(settings.images.builder),
  entrypoint,
  cap_drop: ["all"],
  cap_add: settings.seccomp === "unconfined" ? ["setuid", "setgid"] : ["setuid", "setgid", "sys_chroot"],
  security_opt: [
    driverText(`seccomp=${settings.seccomp}`),
    ...(settings.apparmor === "" ? [] : [driverText(`apparmor=${settings.apparmor}`)])
  ],
  ...(settings.fuse
    ? { devices: [{ host_path: "/dev/fuse", container_path: "/dev/fuse", cgroup_permissions: "rwm" }] }
    : {})
})
