import { Schema } from "effect"
import { ResourceLimits } from "./BuildJobLimits.ts"
import { crossFieldFaults } from "./BuildJobRules.ts"
import { checkoutFileFault, checkoutPathFault, gitRefFault, localPathFault, repoUrlFault } from "./BuildJobSource.ts"
import { Test, VaultPath } from "./BuildJobTest.ts"
import { flag, isPrintable, list, optional, required, text, typeFault } from "./BuildJobText.ts"
import { Timeout } from "./BuildJobTimeout.ts"
import { WebhookHeaders, webhookSecretFault, webhookUrlFault } from "./BuildJobWebhook.ts"
import { isRegistryUrl, repositoryPattern, tagPattern } from "./ImageReference.ts"

export const ImageTag = text({
  fault: (tag) =>
    tagPattern.test(tag) ? undefined : "must be a tag of at most 128 letters, digits and ._-, not starting with . or -",
  jsonSchema: { pattern: tagPattern.source }
})

/** More would make one publish a campaign; each tag is an upload of its own. */
export const maximumTags = 16

/** Leaves room for the repository under the registry within the 255 characters of a whole name. */
const maximumRegistryLength = 160

/**
 * Field by field what a BuildJob may say, in the order in which faults are reported.
 *
 * The rules that look at several fields are `crossFieldFaults`; `BuildJob` is both. Other spellings that input may
 * have are not known here: `decodeInput` turns them into these first.
 */
export const BuildJobFields = Schema.Struct({
  owner: required(
    text({
      fault: (owner) => {
        if (owner.trim() === "") return "is required"
        return owner.trim() === owner && isPrintable(owner, 128)
          ? undefined
          : "must be at most 128 printable characters, without spaces at its ends"
      },
      jsonSchema: { minLength: 1, maxLength: 128 }
    }),
    "Who the job belongs to: a person, team or service.",
    { examples: ["platform-team"] }
  ),
  repo_url: required(
    text({ fault: repoUrlFault, jsonSchema: { minLength: 1, maxLength: 2048 } }),
    "Git repository: https://, http://, ssh://, git:// or file:///, or user@host:path. Never with credentials.",
    { examples: ["https://git.example.com/shop/web.git", "git@git.example.com:shop/web.git"] }
  ),
  git_ref: optional(
    text({ fault: gitRefFault, jsonSchema: { minLength: 1, maxLength: 250 } }),
    "Branch, tag, commit SHA or full refs/… name; main when left out.",
    { default: "main", examples: ["v1.4.2", "refs/heads/release-2"] }
  ),
  dockerfile_path: optional(
    text({ fault: checkoutFileFault, jsonSchema: { minLength: 1, maxLength: 512 } }),
    "Dockerfile, relative to the repository's root; Dockerfile when left out.",
    { default: "Dockerfile", examples: ["docker/web.Dockerfile"] }
  ),
  dockerfile_context: optional(
    text({ fault: checkoutPathFault, jsonSchema: { maxLength: 512 } }),
    "Build context, a folder relative to the repository's root; . when left out.",
    { default: ".", examples: ["services/web"] }
  ),
  image_name: required(
    text({
      fault: (name) => {
        if (name === "") return "is required"
        return name.length <= 255 && repositoryPattern.test(name)
          ? undefined
          : "must be an image repository: lower-case letters and digits, joined by single . _ or - and parted by /"
      },
      jsonSchema: { pattern: repositoryPattern.source, maxLength: 255 }
    }),
    "Repository of the image under registry_url; may contain /.",
    { examples: ["shop/web"] }
  ),
  registry_url: required(
    text({
      fault: (url) => {
        if (url === "") return "is required"
        return url.length <= maximumRegistryLength && isRegistryUrl(url)
          ? undefined
          : `must be host[:port][/namespace] in lower case, without https://, of at most ${maximumRegistryLength} characters; the host has a dot or a port or is localhost`
      },
      jsonSchema: { minLength: 1, maxLength: maximumRegistryLength }
    }),
    "Registry that the image is published to: host[:port][/namespace].",
    { examples: ["registry.example.com:5000/team"] }
  ),
  image_tags: optional(list(ImageTag, maximumTags), "Tags besides the job's id, which is always the first one.", {
    default: [],
    examples: [["v1.4.2", "latest"]]
  }),
  git_credentials_path: optional(VaultPath, "Vault path of the repository's credentials; none when left out.", {
    examples: ["secret/data/git/shop"]
  }),
  registry_credentials_path: optional(VaultPath, "Vault path of the registry's credentials; none when left out.", {
    examples: ["secret/data/registry/shop"]
  }),
  test: optional(Test, "What must pass before the image is published; when left out the build publishes at once."),
  resource_limits: optional(ResourceLimits, "Limits for all phases, and for each; the service's own when left out."),
  build_timeout: optional(
    Timeout,
    "Limit of the build, as 30m or in nanoseconds; the service's BUILD_TIMEOUT (30m) when left out."
  ),
  clear_cache: optional(flag, "Build without the layers of earlier builds.", { default: false }),
  webhook_url: optional(
    text({ fault: webhookUrlFault, jsonSchema: { maxLength: 2048 } }),
    "http(s) URL that is told about the job's events; nobody is told when left out.",
    { examples: ["https://hooks.example.com/builds"] }
  ),
  webhook_secret: optional(
    text({ fault: webhookSecretFault, jsonSchema: { maxLength: 1024 } }),
    "Key of the deliveries' HMAC-SHA256 signature, or where Vault has it: vault:<path>#<field>; unsigned when left out.",
    { examples: ["vault:secret/data/hooks#key"] }
  ),
  webhook_on_success: optional(flag, "Tell about success; true when left out.", { default: true }),
  webhook_on_failure: optional(flag, "Tell about failure; true when left out.", { default: true }),
  webhook_headers: optional(WebhookHeaders, "Headers of every delivery.", {
    default: {},
    examples: [{ "X-Team": "platform" }]
  }),
  deploy_dir: optional(
    text({ fault: localPathFault, jsonSchema: { maxLength: 512 } }),
    "Folder where the command line keeps its version and its history; the service only stores it.",
    { default: "./deploy" }
  )
}).annotations({ message: typeFault("an object of BuildJob fields") })

/** What image somebody wants: one definition for records, REST, MCP and the command line. */
export const BuildJob = BuildJobFields.pipe(
  Schema.filter((job) => crossFieldFaults(job).map(({ fault, path }) => ({ path, message: fault })), {
    jsonSchema: {}
  })
)

export type BuildJob = typeof BuildJobFields.Type
