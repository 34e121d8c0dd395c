import { Schema } from "effect"

/**
 * What went wrong, for programs to branch on: one name for each thing that somebody would do something else about.
 *
 * It is finer than a status's `reason`, which says what Nomad and the steps' scripts know: this is read from the output.
 */
export const Cause = Schema.Literal(
  // The record or the repository that it names.
  "invalid-spec",
  "git-authentication",
  "git-ref-missing",
  "git-repository-missing",
  "git-unreachable",
  "git-submodule",
  // The Dockerfile and its context.
  "dockerfile-missing",
  "dockerfile-syntax",
  "context-missing",
  "copy-source-missing",
  "base-image-missing",
  "base-image-unreachable",
  "stage-missing",
  // What an instruction of it ran.
  "package-missing",
  "dependency-conflict",
  "dependency-install",
  "compile-error",
  "syntax-error",
  "module-missing",
  "command-not-found",
  "file-missing",
  "permission-denied",
  "network-unreachable",
  "name-resolution",
  "tls-verification",
  "disk-full",
  "out-of-memory",
  "crash",
  // The tests.
  "assertion-failed",
  "entry-point-missing",
  "missing-configuration",
  // Registries and secrets.
  "registry-authentication",
  "registry-unreachable",
  "push-failed",
  "secret-missing",
  // Limits, placement and the cluster.
  "timeout",
  "unplaceable",
  "queue-timeout",
  "slot-taken",
  "infrastructure",
  // Somebody wanted it.
  "cancelled",
  "superseded",
  // It says so itself, in words that nothing here knows: the exit code and the lines are what there is.
  "command-failed"
)
export type Cause = typeof Cause.Type
