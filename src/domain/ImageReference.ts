import { Option } from "effect"

/** `registry/repository[:tag][@digest]`, the registry always explicit. */
export interface ImageReference {
  /** `host[:port]` */
  readonly registry: string
  readonly repository: string
  readonly tag?: string
  /** `sha256:…` */
  readonly digest?: string
}

/** Distribution's limit for registry and repository together, in characters. */
export const maximumImageNameLength = 255

/** The OCI distribution specification's grammar of a repository. */
export const repositoryPattern = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/

/** The same specification's grammar of a tag. */
export const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/

/**
 * `host[:port]`. Lower case only: a host written in two ways would be two registries to whoever compares names.
 *
 * A bare word is none, since every tool would read it as a namespace of Docker Hub: it takes a dot, a port, or to be
 * `localhost`.
 */
export const isRegistry = (text: string): boolean => {
  if (text.length > maximumImageNameLength) return false
  const [, host = "", port] = registryPattern.exec(text) ?? []
  if (host === "" || (port !== undefined && !isPort(port))) return false
  return port !== undefined || host === "localhost" || /[.:]/.test(host)
}

/** `host[:port][/namespace]`: what a job may give as `registry_url`. */
export const isRegistryUrl = (text: string): boolean => {
  const slash = text.indexOf("/")
  if (slash === -1) return isRegistry(text)
  return (
    text.length <= maximumImageNameLength &&
    isRegistry(text.slice(0, slash)) &&
    repositoryPattern.test(text.slice(slash + 1))
  )
}

/** The part of a `registry_url` that is logged in to: everything before the first slash, with or without a port. */
export const registryHost = (registryUrl: string): string => registryUrl.split("/", 1).join("")

/** None for what is no complete reference. */
export const parseImageReference = (text: string): Option.Option<ImageReference> => {
  const [, registry = "", repository = "", tag, digest] = referencePattern.exec(text) ?? []
  const valid =
    isRegistry(registry) &&
    repositoryPattern.test(repository) &&
    registry.length + 1 + repository.length <= maximumImageNameLength &&
    (tag === undefined || tagPattern.test(tag))
  if (!valid) return Option.none()
  return Option.some({
    registry,
    repository,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest })
  })
}

export const formatImageReference = (reference: ImageReference): string => {
  const tag = reference.tag === undefined ? "" : `:${reference.tag}`
  const digest = reference.digest === undefined ? "" : `@${reference.digest}`
  return `${reference.registry}/${reference.repository}${tag}${digest}`
}

/**
 * A repository of its own for each job, so that builds never share a temporary name and one delete removes all of it.
 *
 * `registryBase` is the service's `REGISTRY_URL`, or the host of the job's registry where that is not set.
 */
export const temporaryRepository = (registryBase: string, prefix: string, jobId: string): string =>
  `${registryBase}/${prefix}/${jobId}`

export const temporaryImage = (registryBase: string, prefix: string, jobId: string): string =>
  `${temporaryRepository(registryBase, prefix, jobId)}:latest`

interface Named {
  readonly registry_url: string
  readonly image_name: string
}

export const finalRepository = (job: Named): string => `${job.registry_url}/${job.image_name}`

export const finalImage = (job: Named, tag: string): string => `${finalRepository(job)}:${tag}`

/** The job id comes first, then the tags in the order that the job gives them, each once. */
export const finalTags = (
  jobId: string,
  job: { readonly image_tags?: ReadonlyArray<string> }
): ReadonlyArray<string> => [...new Set([jobId, ...(job.image_tags ?? [])])]

const registryPattern =
  /^([a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*|\[[0-9a-f:]+\])(?::([0-9]{1,5}))?$/

const referencePattern = /^([^/]{1,255})\/([^:@]{1,255})(?::([^:@]{1,128}))?(?:@(sha256:[0-9a-f]{64}))?$/

const isPort = (digits: string): boolean => Number(digits) >= 1 && Number(digits) <= 65_535
