import { busybox, type CorpusCase } from "./Corpus.ts"

const says =
  (text: string): (() => string) =>
  () =>
    `${busybox}\nRUN echo ${text} >/said`

const onBranch = (branch: string, text: string): string =>
  `git add -A && git commit -q -m first && git checkout -q -b ${branch} && echo 'RUN echo ${text} >/said' >>Dockerfile &&
   git commit -q -a -m second && git checkout -q main && echo "on main" >only-main`

/** Ways to a repository and to a commit in it. */
export const repositoriesOfKinds: ReadonlyArray<CorpusCase> = [
  { name: "over-ssh", dockerfile: says("ssh"), access: "ssh", commands: ["grep ssh /said"] },
  { name: "with-token", dockerfile: says("token"), access: "token", commands: ["grep token /said"] },
  {
    name: "branch",
    dockerfile: says("main"),
    prepare: onBranch("feature/one.two", "branch"),
    record: { git_ref: "feature/one.two" },
    commands: ["grep branch /said"]
  },
  {
    name: "full-ref",
    dockerfile: says("main"),
    prepare: onBranch("release", "release"),
    record: { git_ref: "refs/heads/release" },
    commands: ["grep release /said"]
  },
  {
    name: "tag",
    dockerfile: says("main"),
    prepare: `${onBranch("old", "tagged")} && git tag -a -m v1 v1.0.0 old && git branch -q -D old`,
    record: { git_ref: "v1.0.0" },
    commands: ["grep tagged /said"]
  },
  {
    name: "commit",
    dockerfile: says("commit"),
    gitRef: (commit) => commit,
    commands: ["grep commit /said"]
  },
  {
    name: "short-commit",
    dockerfile: says("short"),
    gitRef: (commit) => commit.slice(0, 10),
    commands: ["grep short /said"]
  },
  {
    name: "submodules",
    dockerfile: ({ git }) => `${busybox}\nCOPY lib/entry /said\nLABEL from=${git}`,
    prepare: `git init -q -b main sub && echo submodule >sub/entry && git -C sub add -A && git -C sub commit -q -m sub
      git clone -q --bare sub "$1/sub.git" && rm -rf sub
      git -c protocol.file.allow=always submodule --quiet add "$1/sub.git" lib
      git config --file .gitmodules submodule.lib.url "$(sed -n 's/^LABEL from=//p' Dockerfile)/sub.git"`,
    commands: ["grep submodule /said"]
  }
]
