/** An image's name in the parts that decide how it is fetched. */
export interface ImageReference {
  /** `host[:port]` of the registry. */
  readonly registry: string
  /** What to pull: docker's completions applied, and of tag and digest only the digest, which decides anyway. */
  readonly name: string
  /** Whether the registry must be asked even if an image of that name is here, as docker does for `latest`. */
  readonly moves: boolean
}

/** Reads a reference by docker's rules: a first part without `.`, `:` or `localhost` is a name on docker.io. */
export const imageReference = (image: string): ImageReference => {
  const plain = image.replace(/^(?:docker:\/\/|https?:\/\/)/, "")
  const [beforeDigest = "", digest] = plain.split("@")
  const slash = beforeDigest.indexOf("/")
  const first = slash < 0 ? "" : beforeDigest.slice(0, slash)
  const hasHost = /[.:]/.test(first) || first === "localhost"
  const registry = hasHost ? first : "docker.io"
  const rest = hasHost ? beforeDigest.slice(slash + 1) : beforeDigest
  const repository = hasHost || rest.includes("/") ? rest : `library/${rest}`
  const [path = "", tag = "latest"] = repository.split(":")
  return {
    registry,
    name: digest === undefined ? `${registry}/${path}:${tag}` : `${registry}/${path}@${digest}`,
    moves: digest === undefined && tag === "latest"
  }
}

/** Docker speaks plain HTTP to registries on the loopback network only. */
export const isLoopback = (registry: string): boolean =>
  /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/.test(registry)
