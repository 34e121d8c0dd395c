/** Why a script of ours gave up, as it says in `failure.json` next to `result.json`. */
export interface ScriptFailure {
  readonly exitCode: number
  /** No quotes, dollars or backslashes: it stands in a shell script and in JSON as it is. */
  readonly message: string
  /** The same input may do better the next time. */
  readonly transient: boolean
}

/**
 * The exit codes are stable. A failing RUN step ends with its own code and the reason `BuildFailed`, so that a build's
 * code alone says nothing: its `failure.json` does.
 */
export const scriptFailures = {
  BaseImageMissing: {
    exitCode: 79,
    message: "a base image does not exist",
    transient: false
  },
  InvalidInput: {
    exitCode: 80,
    message: "a value that was handed to the step cannot be used",
    transient: false
  },
  GitAuthRefused: {
    exitCode: 81,
    message: "the Git server refused the credentials, or wants some",
    transient: false
  },
  RefNotFound: {
    exitCode: 82,
    message: "the repository has no such branch, tag or commit",
    transient: false
  },
  RepositoryNotFound: {
    exitCode: 83,
    message: "the Git server knows no such repository, or not for these credentials",
    transient: false
  },
  RepositoryUnreachable: {
    exitCode: 84,
    message: "the repository could not be fetched",
    transient: true
  },
  HostKeyRefused: {
    exitCode: 85,
    message: "the Git server is not the one whose host key is known",
    transient: false
  },
  SubmoduleUnavailable: {
    exitCode: 86,
    message: "a submodule could not be fetched",
    transient: false
  },
  DockerfileMissing: {
    exitCode: 87,
    message: "the repository has no such Dockerfile",
    transient: false
  },
  ContextMissing: {
    exitCode: 88,
    message: "the repository has no such context directory",
    transient: false
  },
  PathEscapes: {
    exitCode: 89,
    message: "Dockerfile or context lie outside of the repository",
    transient: false
  },
  BaseImageUnavailable: {
    exitCode: 90,
    message: "a base image could not be pulled",
    transient: true
  },
  RegistryAuthRefused: {
    exitCode: 91,
    message: "a registry refused the credentials, or wants some",
    transient: false
  },
  RegistryUnreachable: {
    exitCode: 92,
    message: "a registry could not be reached",
    transient: true
  },
  PushFailed: {
    exitCode: 93,
    message: "the registry did not take the image",
    transient: true
  },
  DigestMismatch: {
    exitCode: 94,
    message: "the registry shows another digest than was pushed",
    transient: true
  },
  SourceMissing: {
    exitCode: 95,
    message: "the image to publish is not in the registry any more",
    transient: false
  },
  DeletionDisabled: {
    exitCode: 96,
    message: "the registry does not allow deletion",
    transient: false
  },
  DeletionFailed: {
    exitCode: 97,
    message: "the image could not be deleted",
    transient: true
  },
  CacheUnusable: {
    exitCode: 98,
    message: "the layer cache cannot be used on this client",
    transient: false
  },
  BuildFailed: {
    exitCode: 99,
    message: "the Dockerfile could not be built",
    transient: false
  }
} as const satisfies Readonly<Record<string, ScriptFailure>>

export type ScriptFailureReason = keyof typeof scriptFailures
