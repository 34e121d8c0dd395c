import { cpSync, mkdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { bundle } from "../../scripts/build.ts"
import { command } from "../../scripts/cluster/Docker.ts"
import type { JobState } from "../../src/api/JobState.ts"
import { JobForge } from "../../src/client/JobForge.ts"
import { commitFiles, makeRepository } from "../jobspec/GitServer.ts"
import { type AclLab, type Answer, fieldOf, until } from "./AclLab.ts"
import { makeBaseTree } from "./baseImage.ts"

/** The service as its own Nomad job, and what an operator looks at. */
export class Deployed {
  readonly lab: AclLab
  readonly #folder: string
  readonly #repository: string

  constructor(lab: AclLab, folder: string, repository: string) {
    this.lab = lab
    this.#folder = folder
    this.#repository = repository
  }

  /** The Dockerfile at the root, over this machine's own node in the place of the bases that can't be pulled everywhere. */
  async provideImage(): Promise<string> {
    const { docker, registry } = this.lab
    const tree = join(this.#folder, "tree")
    const context = join(this.#folder, "context")
    await makeBaseTree(tree)
    await docker.importTree(tree, "base:here")
    mkdirSync(join(context, "dist"), { recursive: true })
    for (const name of ["Dockerfile", ".dockerignore", "LICENSE"]) cpSync(name, join(context, name))
    await bundle(join(context, "dist/jobforge.mjs"))
    const image = `${registry.host}/jobforge/service:0.1.0`
    const bases = ["--build-arg", "NODE=base:here", "--build-arg", "BASE=base:here"]
    await docker.run(["build", "--network", "host", ...bases, "--tag", image, context], { DOCKER_BUILDKIT: "0" })
    await docker.run(["push", "--quiet", image])
    return image
  }

  /** `nomad job run` of the manifest, which waits until the deployment is over. */
  run(image: string, settings: Readonly<Record<string, string>> = {}): Promise<string> {
    const variables = {
      image,
      builder_image: this.lab.builder,
      consul_address: new URL(this.lab.consul.address).host,
      vault_address: this.lab.vault?.address ?? "",
      settings: JSON.stringify({
        DEFAULT_CPU_LIMIT: "300",
        DEFAULT_MEMORY_LIMIT: "1024",
        // Who waits for a secret that isn't there is told of it soon.
        START_GRACE: "8s",
        ...settings
      })
    }
    const given = Object.entries(variables).flatMap(([name, value]) => ["-var", `${name}=${value}`])
    return this.lab.nomad.run("job", "run", ...given, "manifests/jobforge-service.nomad.hcl")
  }

  /** Where Consul knows healthy instances of it. */
  async instances(service = "jobforge-service"): Promise<ReadonlyArray<string>> {
    const { ask, token } = this.lab.consul
    const { text } = await ask("GET", `/v1/health/service/${service}?passing`, { token })
    return [...text.matchAll(/"ServiceID":"_nomad|"Port":(\d+),"Weights"/g)]
      .flatMap(([, port]) => (port === undefined ? [] : [`http://127.0.0.1:${port}`]))
      .toSorted()
  }

  /** Of one that is ready: whoever was killed just now is in the catalog still. */
  async client(token?: string): Promise<JobForge> {
    let url = ""
    await until("a replica is ready", 30, async () => {
      for (const instance of await this.instances()) {
        if (await isReady(instance)) url = instance
      }
      return url !== ""
    })
    return new JobForge(token === undefined ? url : { baseUrl: url, token })
  }

  /** An image built, tested and published, in ten seconds or so. */
  async submit(name: string, token?: string): Promise<string> {
    const { job_id: id } = await (await this.client(token)).submitJob(this.job(name))
    return id
  }

  job(name: string) {
    return {
      owner: "team-a",
      repo_url: this.#repository,
      git_ref: "main",
      image_name: `team-a/${name}`,
      image_tags: ["latest"],
      registry_url: this.lab.registry.host,
      test: { entry_point: true }
    }
  }

  async ended(id: string, token?: string): Promise<JobState> {
    return (await this.client(token)).wait(id, { timeout: 120_000 })
  }

  /** The address of the one that leads, none while nobody does. */
  async leader(): Promise<string | undefined> {
    const { ask, token } = this.lab.consul
    const { status, text } = await ask("GET", "/v1/kv/jobforge-service/leader", { token })
    if (status !== 200 || !text.includes('"Session"')) return undefined
    return fieldOf(Buffer.from(fieldOf(text, "Value"), "base64").toString(), "address")
  }

  /** `kill -9` of the process that leads. Gives its address. */
  async killLeader(): Promise<string> {
    const { docker } = this.lab
    const address = (await this.leader()) ?? ""
    const port = address.split(":").at(-1) ?? ""
    for (const id of await docker.containers()) {
      // One that ended meanwhile is gone.
      const environment = await docker.run(["inspect", "--format", "{{.Config.Env}}", id]).catch(() => "")
      if (environment.includes(`SERVER_PORT=${port}`)) await docker.run(["kill", "--signal", "KILL", id])
    }
    return address
  }

  /** Of each replica and each call of it to Consul and Nomad: how often it was denied. */
  async denials(): Promise<ReadonlyMap<string, number>> {
    const counted = new Map<string, number>()
    for (const url of await this.instances("jobforge-service-metrics")) {
      const text = await fetch(`${url}/metrics`).then(
        (answer) => answer.text(),
        () => ""
      )
      for (const line of text.matchAll(/^rest_client_requests_total\{(.*result="denied".*)\} (\d+)$/gm)) {
        const [, labels = "", count = "0"] = line
        counted.set(`${url} ${fieldLabel(labels, "system")} ${fieldLabel(labels, "operation")}`, Number(count))
      }
    }
    return counted
  }

  kv(method: string, key: string, token: string, body?: string): Promise<Answer> {
    return this.lab.consul.ask(method, `/v1/kv/${key}`, { token, ...(body === undefined ? {} : { body }) })
  }
}

/** A repository with an image whose build takes some seconds and that needs no base. */
export const makeApp = async (folder: string): Promise<void> => {
  const worktree = await makeRepository(folder, "app")
  cpSync(await command(["sh", "-c", "command -v busybox"]), join(worktree, "busybox"))
  const lines = [
    "FROM scratch",
    "COPY busybox /bin/busybox",
    'RUN ["/bin/busybox", "sleep", "3"]',
    'ENTRYPOINT ["/bin/busybox", "sh", "-c", "echo tested with $DB_PASSWORD."]'
  ]
  await commitFiles(worktree, { Dockerfile: lines.join("\n") })
}

/** The rules of one of Consul's policies, one of Nomad's, or one of Vault's, each with the policy as it is without it. */
export const rulesOf = (path: string): ReadonlyArray<{ readonly rule: string; readonly without: string }> => {
  const text = readFileSync(path, "utf8")
  const capabilities = [...text.matchAll(/^ {4}"([a-z-]+)",.*\n/gm)]
  const blocks = [...text.matchAll(/^(\w+ "[^"]*") \{\n[\s\S]*?^\}\n/gm)]
  return [...capabilities, ...(capabilities.length === 0 ? blocks : blocks.slice(1))].map(([whole, rule = ""]) => ({
    rule,
    without: text.replace(whole, "")
  }))
}

const isReady = (url: string): Promise<boolean> =>
  fetch(`${url}/ready`).then(
    ({ ok }) => ok,
    () => false
  )

const fieldLabel = (labels: string, name: string): string => new RegExp(`${name}="([^"]*)"`).exec(labels)?.[1] ?? ""
