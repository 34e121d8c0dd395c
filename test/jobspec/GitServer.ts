import { spawn } from "node:child_process"
import { once } from "node:events"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { execute } from "./processes.ts"

export interface GitServer {
  readonly url: string
  readonly stop: () => Promise<void>
  /** `Authorization` of each request, "" where it had none. */
  readonly seen: ReadonlyArray<string>
}

/** Serves the bare repositories below `folder` by Git's own CGI; with a token, to its bearer only. */
export const startGitServer = async (folder: string, token?: string): Promise<GitServer> => {
  const seen: Array<string> = []
  const server = createServer((request, response) => {
    const authorization = request.headers.authorization ?? ""
    seen.push(authorization)
    const expected = `Basic ${Buffer.from(`x-access-token:${token ?? ""}`).toString("base64")}`
    if (token !== undefined && authorization !== expected) {
      response.writeHead(401, { "www-authenticate": 'Basic realm="git"' }).end()
    } else {
      serve(folder, request, response)
    }
  }).listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  if (address === null || typeof address === "string") throw new Error("no port")
  return {
    url: `http://127.0.0.1:${address.port}`,
    seen,
    stop: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, "close")
    }
  }
}

/** A commit of these files on `branch`, in the work tree that belongs to the bare repository. Gives its name. */
export const commitFiles = async (
  worktree: string,
  files: Readonly<Record<string, string>>,
  branch = "main"
): Promise<string> => {
  const script = `set -e
    git checkout -q "$1" 2>/dev/null || git checkout -q -b "$1"
    shift
    while [ "$#" -gt 0 ]; do
      mkdir -p "$(dirname "$1")"
      case $2 in
        "-> "*) ln -sfn "\${2#-> }" "$1" ;;
        *) printf '%s' "$2" >"$1" ;;
      esac
      shift 2
    done
    git add -A
    git commit -q --allow-empty -m "a change"
    git push -q --all
    git rev-parse HEAD`
  return execute(["sh", "-c", script, "sh", branch, ...Object.entries(files).flat()], {
    cwd: worktree,
    env: identity()
  })
}

export const identity = (): NodeJS.ProcessEnv => ({
  ...process.env,
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_AUTHOR_NAME: "Ada",
  GIT_AUTHOR_EMAIL: "ada@example.com",
  GIT_COMMITTER_NAME: "Ada",
  GIT_COMMITTER_EMAIL: "ada@example.com"
})

/** A bare repository `<folder>/<name>.git` and its work tree `<folder>/<name>`. */
export const makeRepository = async (folder: string, name: string): Promise<string> => {
  const worktree = `${folder}/${name}`
  await execute(["git", "init", "-q", "--bare", "-b", "main", `${worktree}.git`])
  await execute(["git", "-c", "init.defaultBranch=main", "clone", "-q", `${worktree}.git`, worktree])
  return worktree
}

const serve = (folder: string, request: IncomingMessage, response: ServerResponse): void => {
  const [path = "", query = ""] = (request.url ?? "").split("?")
  const cgi = spawn("git", ["http-backend"], {
    env: {
      ...process.env,
      GIT_PROJECT_ROOT: folder,
      GIT_HTTP_EXPORT_ALL: "1",
      GIT_PROTOCOL: String(request.headers["git-protocol"] ?? ""),
      PATH_INFO: path,
      QUERY_STRING: query,
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers["content-type"],
      HTTP_CONTENT_ENCODING: request.headers["content-encoding"]
    }
  })
  request.pipe(cgi.stdin)
  cgi.stdin.on("error", () => undefined)
  const chunks: Array<Buffer> = []
  cgi.stdout.on("data", (chunk: Buffer) => chunks.push(chunk))
  cgi.on("close", () => {
    const output = Buffer.concat(chunks)
    const end = output.indexOf("\r\n\r\n")
    const headers = output
      .subarray(0, end)
      .toString()
      .split("\r\n")
      .map((line) => line.split(": ", 2))
    const status = headers.find(([name]) => name === "Status")?.[1]
    response.statusCode = Number.parseInt(status ?? "200", 10)
    for (const [name = "", value = ""] of headers) if (name !== "Status") response.setHeader(name, value)
    response.end(output.subarray(end + 4))
  })
}
