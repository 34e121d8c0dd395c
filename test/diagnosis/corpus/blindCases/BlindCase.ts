import type { Cause } from "../../../../src/diagnosis/Cause.ts"

/** What a case may need of its surroundings. All of it is on loopback. */
export interface Surroundings {
  /** Serves every case's repository: `<git>/<project>.git`, with a branch a case. */
  readonly git: string
  /** Serves `vault.git` to nobody who doesn't know a token. */
  readonly privateGit: string
  /** Where images go, unless a case's record says otherwise. */
  readonly registry: string
  /** Wants a login. */
  readonly loginRegistry: string
  /** Takes no uploads. */
  readonly readonlyRegistry: string
  /** A port that somebody else listens on. */
  readonly takenPort: number
  /** `https://…` with a certificate that nobody has signed. */
  readonly selfSigned: string
  /** Runs a Git command in the case's work tree. */
  readonly gitIn: (project: string, ...args: ReadonlyArray<string>) => Promise<string>
  readonly putRecord: (name: string, record: object) => Promise<void>
  readonly deleteRecord: (name: string) => Promise<void>
  /** A client's request about a job that runs. */
  readonly request: (verb: "kill", jobId: string) => Promise<void>
  readonly stopNomadJob: (id: string) => Promise<void>
  /** Once the record's status is as wanted. */
  readonly running: (name: string, status: string) => Promise<{ readonly jobId: string; readonly nomadId: string }>
  /** Limits what all tasks have in memory together. */
  readonly limitMemory: (megabytes: number) => void
  /** Limits what the layer cache has on disk. */
  readonly limitDisk: (megabytes: number) => void
}

type FailedStep =
  | { readonly kind: "instruction"; readonly number: number }
  | { readonly kind: "command"; readonly index: number }

/** A failure to be made, and what somebody who reads all of its log calls it. */
export interface BlindCase {
  readonly name: string
  readonly label: Cause
  /** Labels that somebody else could defend as well. */
  readonly also?: ReadonlyArray<Cause>
  readonly phase: "build" | "test" | "publish"
  readonly note: string
  /** Cases of one project share their repository and so the layers of their base image. */
  readonly project?: string
  /** `BASE/` stands for the registry and the folder of the base images. */
  readonly dockerfile: string | ((surroundings: Surroundings) => string)
  readonly files?: Readonly<Record<string, string>>
  /** Members of the record that differ from the usual ones. */
  readonly record?: (surroundings: Surroundings, record: Readonly<Record<string, unknown>>) => object
  readonly test?: object | ((surroundings: Surroundings) => object)
  /** The operator's settings while it runs, by their keys. */
  readonly settings?: Readonly<Record<string, string>>
  readonly before?: (surroundings: Surroundings) => Promise<void>
  readonly meanwhile?: (surroundings: Surroundings, name: string) => Promise<void>
  readonly step?: FailedStep
  /** Part of the line that tells the root of it. */
  readonly errorContains?: string
}

/** A text without the indentation that its place in the source gives it. */
export const text = (strings: TemplateStringsArray, ...values: ReadonlyArray<string | number>): string => {
  const whole = String.raw({ raw: strings.raw }, ...values).replace(/^\n/, "")
  const lines = whole.split("\n")
  const indentation = Math.min(
    ...lines.filter((line) => line.trim() !== "").map((line) => line.length - line.trimStart().length)
  )
  return lines.map((line) => line.slice(indentation)).join("\n")
}
