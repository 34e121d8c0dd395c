import { chmodSync, mkdirSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { command } from "../../../scripts/cluster/Docker.ts"
import { identity } from "../../jobspec/GitServer.ts"

/** Where a Dockerfile of the corpus finds what is there before it. */
export interface CorpusPlaces {
  /** A distribution's image in the cluster's registry. */
  readonly base: string
  /** Public repositories, and the files that a Dockerfile gets with ADD. */
  readonly git: string
}

export interface CorpusCase {
  readonly name: string
  /** Lines; those of `busybox` come before them unless the case has a beginning of its own. */
  readonly dockerfile: (places: CorpusPlaces) => string
  readonly files?: Readonly<Record<string, string>>
  /** Run in the checkout before its commit, for what text files can't be. `$1` is the folder of the bare repositories. */
  readonly prepare?: string
  /** Run in the built image. Without them the image's own entry point is the test. */
  readonly commands?: ReadonlyArray<string>
  readonly record?: Readonly<Record<string, unknown>>
  /** How the repository is reached, when not anonymously over HTTP. */
  readonly access?: "ssh" | "token"
  /** Why it can't be built, where that is known and documented. It counts as not built all the same. */
  readonly unsupported?: string
  /** Of the commit to build: what `git_ref` is, given the branch's commit. */
  readonly gitRef?: (commit: string) => string
}

/** A base system without any network. */
export const busybox = [
  "FROM scratch",
  "COPY busybox /bin/busybox",
  'RUN ["/bin/busybox", "sh", "-c", "/bin/busybox --install -s /bin && mkdir -p /tmp /etc && chmod 1777 /tmp"]'
].join("\n")

/** Makes the bare repository `<folder>/<name>.git` of a case; gives the commit at the tip of main. */
export const makeCorpusRepository = async (
  folder: string,
  { dockerfile, files = {}, name, prepare, record = {} }: CorpusCase,
  places: CorpusPlaces
): Promise<string> => {
  const tree = join(folder, "work", name)
  const path = typeof record["dockerfile_path"] === "string" ? record["dockerfile_path"] : "Dockerfile"
  for (const [file, text] of Object.entries({ ...files, [path]: `${dockerfile(places)}\n` })) {
    mkdirSync(dirname(join(tree, file)), { recursive: true })
    writeFileSync(join(tree, file), text)
    if (text.startsWith("#!")) chmodSync(join(tree, file), 0o755)
  }
  const script = `set -e
    cp "$(command -v busybox)" busybox
    git init -q -b main
    ${prepare ?? ":"}
    git add -A
    git commit -q -m corpus
    git clone -q --bare . "$1/$2.git"
    git rev-parse main`
  return command(["sh", "-c", script, "sh", folder, name], { ...texts(identity()) }, tree)
}

const texts = (environment: NodeJS.ProcessEnv): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, value ?? ""]))
