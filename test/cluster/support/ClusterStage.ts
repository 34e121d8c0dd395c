import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { type Cluster, startCluster } from "../../../scripts/cluster/Cluster.ts"
import { findPrograms, type Found } from "../../../scripts/cluster/programs.ts"
import type { JobInput } from "../../../src/api/Requests.ts"
import type { JobState } from "../../../src/api/JobState.ts"
import { JobForge } from "../../../src/client/JobForge.ts"
import { type GitServer, startGitServer } from "../../jobspec/GitServer.ts"
import { type SshServer, startSshServer } from "./SshServer.ts"

export const found: Found = findPrograms()

/** A title that says what a suite is skipped for. */
export const titled = (title: string): string =>
  found.programs === undefined ? `${title} (skipped, missing: ${found.missing.join("; ")})` : title

export const minutes = 60_000

/** Looks every 200 ms, for half a minute. */
export const eventually = async (what: string, holds: () => Promise<boolean>): Promise<void> => {
  for (let tries = 0; tries < 150; tries++) {
    if (await holds()) return
    await pause(200)
  }
  throw new Error(`it never came true that ${what}`)
}

/** A cluster with Git servers beside it. */
export class ClusterStage {
  readonly cluster: Cluster
  readonly folder: string
  readonly client: JobForge
  /** Anonymous, from `repositories`. */
  readonly git: GitServer
  /** The same repositories, for those who bring `token`. */
  readonly guardedGit: GitServer
  readonly ssh: SshServer | undefined
  /** Folder of the bare repositories. */
  readonly repositories: string

  private constructor(
    cluster: Cluster,
    folder: string,
    servers: { readonly git: GitServer; readonly guardedGit: GitServer; readonly ssh: SshServer | undefined }
  ) {
    this.cluster = cluster
    this.folder = folder
    this.client = new JobForge(cluster.url)
    this.git = servers.git
    this.guardedGit = servers.guardedGit
    this.ssh = servers.ssh
    this.repositories = join(folder, "repositories")
  }

  static readonly token = "a-token-of-the-git-server"

  static async start(environment: Readonly<Record<string, string>> = {}): Promise<ClusterStage> {
    const { programs } = found
    if (programs === undefined) throw new Error(found.missing.join("; "))
    const folder = mkdtempSync(join(process.env["CLUSTER_DATA"] ?? tmpdir(), "jobforge-cluster-"))
    const repositories = join(folder, "repositories")
    mkdirSync(repositories)
    const say = (line: string): void => void process.stderr.write(`cluster: ${line}\n`)
    const cluster = await startCluster({ programs, folder: join(folder, "engines"), environment, say })
    const git = await startGitServer(repositories)
    const guardedGit = await startGitServer(repositories, ClusterStage.token)
    const ssh = programs.sshd === undefined ? undefined : await startSshServer(programs.sshd, join(folder, "ssh"))
    return new ClusterStage(cluster, folder, { git, guardedGit, ssh })
  }

  async stop(): Promise<void> {
    await this.ssh?.stop()
    await this.git.stop()
    await this.guardedGit.stop()
    await this.cluster.stop()
    if (process.env["CLUSTER_KEEP"] === undefined) rmSync(this.folder, { recursive: true, force: true })
  }

  async submit(job: JobInput): Promise<string> {
    return (await this.client.submitJob(job)).job_id
  }

  ended(id: string): Promise<JobState> {
    return this.client.wait(id, { timeout: 6 * minutes })
  }
}
