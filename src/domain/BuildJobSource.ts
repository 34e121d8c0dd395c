import { type FaultOf, isPrintable } from "./BuildJobText.ts"

/**
 * What git takes as a remote without running a helper of the caller's choice.
 *
 * A host or a path that starts with `-` would be an option of ssh or git, `ext::` runs a command.
 */
export const repoUrlFault: FaultOf<string> = (url) => {
  if (url === "") return "is required"
  if (url.length > maximumUrlLength) return `must have at most ${maximumUrlLength} characters`
  if (hasCredentials(url)) {
    return "must not hold credentials; put them in Vault and give their path as git_credentials_path"
  }
  const accepted = remotes.some((remote) => remote.test(url)) && !encodedControl.test(url) && isPort(url)
  return accepted
    ? undefined
    : "must be an https://, http://, ssh://, git:// or file:/// URL with a path, or user@host:path, in letters, digits and ._~%+@:,=/-"
}

/** `git check-ref-format`'s rules, and no first character that git would read as an option or as part of a refspec. */
export const gitRefFault: FaultOf<string> = (ref) => {
  if (ref === "") return "is required"
  const accepted =
    isPrintable(ref, 250) &&
    !forbiddenInRef.test(ref) &&
    !/^[-+/.]|[/.]$/.test(ref) &&
    ref !== "@" &&
    !hasBadComponent(ref)
  return accepted
    ? undefined
    : "must be a branch, a tag, a commit SHA or a full refs/… name, without spaces, '..', '~^:?*[\\', a leading '-' or '+', or a trailing '/', '.' or '.lock'"
}

/** A folder or file of the checkout. The first two messages are fixed: clients match on them. */
export const checkoutPathFault: FaultOf<string> = (path) => {
  if (path === "") return "is required"
  if (path.includes("..")) return "cannot contain '..' (path traversal)"
  if (path.startsWith("/")) return "must be a relative path"
  return path.length <= maximumPathLength && checkoutPath.test(path)
    ? undefined
    : `must be a path in the repository, of at most ${maximumPathLength} letters, digits, inner spaces and ._@+~,=()/-, and not start with '-'`
}

export const checkoutFileFault: FaultOf<string> = (path) =>
  checkoutPathFault(path) ?? (path.endsWith("/") ? "must be a file, without a trailing '/'" : undefined)

/** A folder of the machine that runs the command line, which alone reads it. */
export const localPathFault: FaultOf<string> = (path) =>
  isPrintable(path, maximumPathLength) && !path.startsWith("-")
    ? undefined
    : `must be a path of at most ${maximumPathLength} printable characters that does not start with '-'`

const maximumUrlLength = 2048
const maximumPathLength = 512

const host = String.raw`(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:]+\])`
const port = String.raw`(?::[0-9]{1,5})?`
const path = "[A-Za-z0-9._~%+@:,=/-]*[A-Za-z0-9._~%+@:,=-]/*"
const user = "[A-Za-z0-9_][A-Za-z0-9._-]*@"

const remotes: ReadonlyArray<RegExp> = [
  new RegExp(`^(?:https?|git)://${host}${port}/${path}$`),
  new RegExp(`^ssh://(?:${user})?${host}${port}/${path}$`),
  new RegExp(`^file:///${path}$`),
  // No second colon: `host::path` is how git names a helper.
  new RegExp(`^${user}${host}:(?![-:])${path}$`)
]

/** A password anywhere before the host, and a user name where it can only be a token. */
const hasCredentials = (url: string): boolean =>
  /^(?:[A-Za-z+]+:\/\/)?[^/@]*:[^/@]*@/.test(url) || /^(?:https?|git):\/\/[^/]*@/i.test(url)

/** `%0a` in a URL has been a line of its own to git's credential helpers. An incomplete escape is none. */
const encodedControl = /%(?:[01][0-9A-Fa-f]|7[Ff]|(?![0-9A-Fa-f]{2}))/

const isPort = (url: string): boolean => {
  const [, digits = "1"] = /^[a-z]+:\/\/[^/]*:([0-9]+)\//.exec(url) ?? []
  return Number(digits) >= 1 && Number(digits) <= 65_535
}

const forbiddenInRef = /[\s~^:?*[\\]|\.\.|@\{|\/\//

const hasBadComponent = (ref: string): boolean =>
  ref.split("/").some((component) => component.startsWith(".") || component.endsWith(".lock"))

const checkoutPath = /^(?![- ])[\p{L}\p{M}\p{N}._@+~,=()/ -]+(?<! )$/u
