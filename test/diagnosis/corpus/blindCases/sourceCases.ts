import { type BlindCase, text } from "./BlindCase.ts"

const page = text`
  FROM BASE/busybox:1.35
  RUN mkdir -p /srv
`

/** Git servers before the build, and registries after it. */
export const sourceCases: ReadonlyArray<BlindCase> = [
  {
    name: "git-branch-deleted",
    label: "git-ref-missing",
    phase: "build",
    note: "a branch that isn't there (any more)",
    dockerfile: page,
    record: () => ({ git_ref: "feature/dark-mode" }),
    errorContains: "RefNotFound"
  },
  {
    name: "git-commit-unknown",
    label: "git-ref-missing",
    phase: "build",
    note: "a commit that was never pushed",
    dockerfile: page,
    record: () => ({ git_ref: "4f1c9d02b6a3e85f7c2d1b0a9e8f7d6c5b4a3921" }),
    errorContains: "RefNotFound"
  },
  {
    name: "git-repository-renamed",
    label: "git-repository-missing",
    phase: "build",
    note: "a repository that the server doesn't have",
    dockerfile: page,
    record: ({ git }) => ({ repo_url: `${git}/notes-web.git` }),
    errorContains: "not found"
  },
  {
    name: "git-token-needed",
    label: "git-authentication",
    phase: "build",
    note: "a private repository without credentials in the record",
    dockerfile: page,
    record: ({ privateGit }) => ({ repo_url: `${privateGit}/vault.git` }),
    errorContains: "could not read Username"
  },
  {
    name: "git-token-wrong",
    label: "git-authentication",
    phase: "build",
    note: "a private repository with a token that has expired",
    dockerfile: page,
    record: ({ privateGit }) => ({
      repo_url: `${privateGit}/vault.git`,
      git_credentials_path: "secret/data/teams/web/git"
    }),
    errorContains: "Authentication failed"
  },
  {
    name: "git-server-down",
    label: "git-unreachable",
    also: ["network-unreachable"],
    phase: "build",
    note: "nobody listens where the repository should be",
    dockerfile: page,
    record: () => ({ repo_url: "http://127.0.0.1:9/teams/notes.git" }),
    errorContains: "Failed to connect to 127.0.0.1 port 9"
  },
  {
    name: "git-host-unknown",
    label: "git-unreachable",
    also: ["name-resolution"],
    phase: "build",
    note: "the name of the Git server can't be resolved",
    dockerfile: page,
    record: () => ({ repo_url: "https://git.corp.invalid/teams/notes.git" }),
    errorContains: "Could not resolve host: git.corp.invalid"
  },
  {
    name: "git-certificate",
    label: "tls-verification",
    also: ["git-unreachable"],
    phase: "build",
    note: "a Git server with a certificate that nobody has signed",
    dockerfile: page,
    record: ({ selfSigned }) => ({ repo_url: `${selfSigned}/teams/notes.git` }),
    errorContains: "certificate"
  },
  {
    name: "git-submodule-gone",
    label: "git-submodule",
    also: ["git-repository-missing"],
    phase: "build",
    project: "notes",
    note: "a submodule whose repository was deleted",
    dockerfile: page,
    files: { "README.md": "# notes\n" },
    before: async ({ git, gitIn }) => {
      await gitIn("notes", "config", "--file", ".gitmodules", "submodule.theme.path", "theme")
      await gitIn("notes", "config", "--file", ".gitmodules", "submodule.theme.url", `${git}/theme-classic.git`)
      await gitIn("notes", "add", ".gitmodules")
      const entry = "160000,4f1c9d02b6a3e85f7c2d1b0a9e8f7d6c5b4a3921,theme"
      await gitIn("notes", "update-index", "--add", "--cacheinfo", entry)
      await gitIn("notes", "commit", "-q", "-m", "theme as a submodule")
      await gitIn("notes", "push", "-q", "--all")
    },
    errorContains: "theme-classic.git"
  },
  {
    name: "push-without-login",
    label: "registry-authentication",
    also: ["push-failed"],
    phase: "build",
    project: "notes",
    note: "the build succeeds and its image may not be pushed: the record names no login",
    dockerfile: page,
    record: ({ loginRegistry }) => ({ registry_url: loginRegistry }),
    errorContains: "authentication required"
  },
  {
    name: "push-to-nowhere",
    label: "registry-unreachable",
    also: ["push-failed", "network-unreachable"],
    phase: "build",
    project: "notes",
    note: "the build succeeds and nobody listens where its image should go",
    dockerfile: page,
    record: () => ({ registry_url: "127.0.0.1:9" }),
    errorContains: "connection refused"
  },
  {
    name: "publish-wrong-password",
    label: "registry-authentication",
    also: ["push-failed"],
    phase: "publish",
    project: "notes",
    note: "build and test succeed; the registry refuses the login at the publishing",
    dockerfile: page,
    record: ({ loginRegistry }) => ({
      registry_url: loginRegistry,
      registry_credentials_path: "secret/data/teams/web/registry"
    }),
    test: { commands: ["test -d /srv"] }
  },
  {
    name: "publish-read-only-registry",
    label: "push-failed",
    also: ["registry-unreachable"],
    phase: "publish",
    project: "notes",
    note: "a registry in its maintenance takes no uploads",
    dockerfile: page,
    record: ({ readonlyRegistry }) => ({ registry_url: readonlyRegistry }),
    test: { commands: ["test -d /srv"] }
  }
]
