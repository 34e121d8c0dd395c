/** What the help of a command has beyond its options. Plain data: it is loaded with every `--help`. */
export interface Manual {
  /** Paragraphs. */
  readonly details: ReadonlyArray<string>
  /** What somebody wants, and the line that does it. */
  readonly examples: ReadonlyArray<readonly [purpose: string, line: string]>
  readonly exitCodes: ReadonlyArray<readonly [code: number, meaning: string]>
  /** Variables that it reads, besides those of the program's own help. */
  readonly environment: ReadonlyArray<readonly [name: string, meaning: string]>
}

/** Of every command that talks to the service. */
export const serviceExits = [
  [1, "the service refused, or anything that no other code tells"],
  [2, "wrong usage"],
  [5, "the service can't be reached, or can't answer now"]
] as const

export const jobExits = [...serviceExits, [6, "there is no such job"]] as const

export const connection = [
  ["JOB_SERVICE_URL", "the service's address, when --url doesn't give it"],
  ["JOB_SERVICE_TOKEN", "the token for a service that asks for one; JOB_SERVICE_TOKEN_FILE names a file with it"],
  ["CONSUL_HTTP_ADDR", "Consul, whose catalog names the service when nothing else does"]
] as const

/** How commands end that see a job to its end. */
export const endExits = [
  [0, "the job succeeded"],
  [1, "the job failed"],
  [2, "wrong usage, or a wrong configuration: nothing was submitted"],
  [3, "the job was cancelled: its status is FAILED, with the reason Cancelled"]
] as const
