import { writeFileSync } from "node:fs"
import { answering, freePort, start } from "./processes.ts"

export interface Registry {
  readonly host: string
  readonly stop: () => Promise<void>
  readonly digest: (repository: string, tag: string) => Promise<string | undefined>
  readonly labels: (repository: string, tag: string) => Promise<string>
  readonly uploads: () => string
}

/** User `builder`, password `open-sesame`. */
const passwords = "builder:$2y$05$K5BnW2zeOF5.cjBTfjXT8u8/jxOpXCtWpyPVj5WjCZr6onEv8AvCS\n"

/** A real registry on a port of its own, its content below `folder`. */
export const startRegistry = async (
  folder: string,
  options: { readonly deletion?: boolean; readonly login?: boolean } = {}
): Promise<Registry> => {
  const host = `127.0.0.1:${await freePort()}`
  const config = {
    version: "0.1",
    log: { level: "error" },
    storage: { filesystem: { rootdirectory: `${folder}/registry` }, delete: { enabled: options.deletion ?? true } },
    http: { addr: host },
    ...(options.login === true ? { auth: { htpasswd: { realm: "registry", path: `${folder}/htpasswd` } } } : {})
  }
  writeFileSync(`${folder}/htpasswd`, passwords)
  writeFileSync(`${folder}/registry.json`, JSON.stringify(config))
  const server = start(["docker-registry", "serve", `${folder}/registry.json`])
  await answering(`http://${host}/v2/`)
  const headers = {
    accept: "application/vnd.oci.image.manifest.v1+json",
    ...(options.login === true
      ? { authorization: `Basic ${Buffer.from("builder:open-sesame").toString("base64")}` }
      : {})
  }
  const manifest = (repository: string, tag: string): Promise<Response> =>
    fetch(`http://${host}/v2/${repository}/manifests/${tag}`, { headers })
  return {
    host,
    stop: async () => {
      server.process.kill()
      await server.ended
    },
    digest: async (repository, tag) => {
      const answer = await manifest(repository, tag)
      return answer.status === 404 ? undefined : (answer.headers.get("docker-content-digest") ?? "none")
    },
    labels: async (repository, tag) => {
      const text = await (await manifest(repository, tag)).text()
      const config = /"config":\s*\{[^}]*"digest":\s*"(sha256:[0-9a-f]{64})"/.exec(text)?.[1] ?? ""
      return (await fetch(`http://${host}/v2/${repository}/blobs/${config}`, { headers })).text()
    },
    uploads: () => `${folder}/registry/docker/registry/v2/repositories`
  }
}
