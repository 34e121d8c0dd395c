/** One write to a tag, or the removal of one, and which step did it. */
export interface RegistryWrite {
  readonly time: number
  readonly image: string
  /** Undefined: the tag was deleted. */
  readonly digest: string | undefined
  readonly before: string | undefined
  /** The job that the step belongs to, and the Nomad job that the step is. */
  readonly jobId: string
  readonly phase: string
  readonly nomadJobId: string
  readonly allocationId: string
}

/** What a step says about itself when it writes. */
export type RegistryClient = Pick<RegistryWrite, "jobId" | "phase" | "nomadJobId" | "allocationId">

/** A registry that remembers every write. */
export class SimRegistry {
  readonly writes: Array<RegistryWrite> = []
  private readonly tags = new Map<string, string>()
  private readonly manifests = new Set<string>()
  private readonly now: () => number
  private readonly observers: Array<(write: RegistryWrite) => void> = []

  constructor(now: () => number) {
    this.now = now
  }

  observe(observer: (write: RegistryWrite) => void): void {
    this.observers.push(observer)
  }

  digestOf(image: string): string | undefined {
    return this.tags.get(image)
  }

  /** `repository@digest`. */
  has(reference: string): boolean {
    return this.manifests.has(reference)
  }

  get images(): ReadonlyArray<string> {
    return [...this.tags.keys()]
  }

  push(image: string, digest: string, client: RegistryClient): void {
    const before = this.tags.get(image)
    this.tags.set(image, digest)
    this.manifests.add(`${repositoryOf(image)}@${digest}`)
    this.note(image, digest, before, client)
  }

  /** Deletes the manifest that the tag shows, and so every tag of it, as registries do. */
  delete(image: string, client: RegistryClient): void {
    const before = this.tags.get(image)
    if (before === undefined) return
    this.tags.delete(image)
    this.manifests.delete(`${repositoryOf(image)}@${before}`)
    this.note(image, undefined, before, client)
  }

  private note(image: string, digest: string | undefined, before: string | undefined, client: RegistryClient): void {
    const write = { time: this.now(), image, digest, before, ...client }
    this.writes.push(write)
    for (const observe of this.observers) observe(write)
  }
}

export const repositoryOf = (image: string): string => image.slice(0, image.lastIndexOf(":"))
