import { execFileSync } from "node:child_process"
import { join } from "node:path"
import { Installation } from "./Installation.ts"
import { busybox, makeRepository } from "./repositories.ts"
import { Shell } from "./Shell.ts"

/** An installation with repositories to build, and shells that know where it is. */
export class CommandLine {
  readonly dev: Installation
  readonly repositories: { readonly good: string; readonly bad: string; readonly slow: string }
  readonly #shells: Array<Shell> = []

  private constructor(dev: Installation, repositories: CommandLine["repositories"]) {
    this.dev = dev
    this.repositories = repositories
  }

  static async start(): Promise<CommandLine> {
    const dev = await Installation.start()
    const repository = (name: string, dockerfile: string) =>
      makeRepository(join(dev.folder, "repositories", name), { Dockerfile: `${busybox}\n${dockerfile}\n` })
    return new CommandLine(dev, {
      good: repository("good", 'CMD ["/bin/echo", "Hello World"]'),
      bad: repository("bad", "RUN echo about to fail && cat /no/such/file"),
      slow: repository("slow", "RUN sleep 60")
    })
  }

  get url(): string {
    return `http://127.0.0.1:${this.dev.ports.service}`
  }

  get consul(): string {
    return `http://127.0.0.1:${this.dev.ports.consul}`
  }

  /** In a Git repository of its own, as a project's checkout is; with the usual files. */
  shell(
    environment: Readonly<Record<string, string>> = { JOB_SERVICE_URL: this.url, CONSUL_HTTP_ADDR: this.consul }
  ): Shell {
    const shell = new Shell(this.dev.program, environment)
    this.#shells.push(shell)
    const as = ["-c", "user.name=test", "-c", "user.email=test@example.com"]
    execFileSync("git", ["init", "--quiet", "--initial-branch=feature-auth"], { cwd: shell.folder })
    execFileSync("git", [...as, "commit", "--quiet", "--allow-empty", "--message=test"], { cwd: shell.folder })
    shell.write("build.yaml", this.yaml("good"))
    shell.write("failing.yaml", this.yaml("bad"))
    shell.write("slow.yaml", this.yaml("slow"))
    shell.write("build-config.json", JSON.stringify(this.configuration("good")))
    return shell
  }

  configuration(kind: keyof CommandLine["repositories"]) {
    return {
      owner: "team-a",
      repo_url: this.repositories[kind],
      git_ref: "main",
      image_name: `team-a/${kind}`,
      image_tags: ["latest"],
      registry_url: this.dev.registry
    }
  }

  yaml(kind: keyof CommandLine["repositories"]): string {
    const { image_tags: tags, ...fields } = this.configuration(kind)
    const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}`)
    return `${[...lines, `image_tags: [${tags.join(", ")}]`].join("\n")}\n`
  }

  async stop(): Promise<void> {
    for (const shell of this.#shells) shell.remove()
    await this.dev.stop()
  }
}
