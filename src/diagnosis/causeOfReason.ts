import { Schema } from "effect"
import { KnownReason, type Reason } from "../domain/Status.ts"
import type { Cause } from "./Cause.ts"

/** What a reason says by itself; undefined where only the output can tell. */
export const causeOfReason = (reason: Reason): Cause | undefined => (isKnown(reason) ? causes[reason] : undefined)

/** What a newer version gives as reason leaves it to the output. */
const isKnown = Schema.is(KnownReason)

const causes: Readonly<Record<KnownReason, Cause | undefined>> = {
  InvalidSpec: "invalid-spec",
  DuplicateName: "invalid-spec",
  InvalidInput: "invalid-spec",
  GitAuthRefused: "git-authentication",
  RefNotFound: "git-ref-missing",
  RepositoryNotFound: "git-repository-missing",
  RepositoryUnreachable: "git-unreachable",
  HostKeyRefused: "git-authentication",
  SubmoduleUnavailable: "git-submodule",
  DockerfileMissing: "dockerfile-missing",
  ContextMissing: "context-missing",
  PathEscapes: "invalid-spec",
  BaseImageUnavailable: "base-image-unreachable",
  BaseImageMissing: "base-image-missing",
  RegistryAuthRefused: "registry-authentication",
  RegistryUnreachable: "registry-unreachable",
  PushFailed: "push-failed",
  DigestMismatch: "push-failed",
  SourceMissing: "push-failed",
  DeletionDisabled: "infrastructure",
  DeletionFailed: "infrastructure",
  CacheUnusable: "infrastructure",
  BuildFailed: undefined,
  CommandFailed: undefined,
  TestFailed: undefined,
  OutOfMemory: "out-of-memory",
  ImageNotFound: "infrastructure",
  DriverFailure: undefined,
  JobRejected: "infrastructure",
  ResultMissing: "infrastructure",
  ChildLost: "infrastructure",
  ChildStopped: "infrastructure",
  Timeout: "timeout",
  QueueTimeout: "queue-timeout",
  Unplaceable: "unplaceable",
  SecretUnavailable: "secret-missing",
  JobTimeout: "timeout",
  SlotTaken: "slot-taken",
  Cancelled: "cancelled",
  Deleted: "cancelled",
  Superseded: "superseded"
}
