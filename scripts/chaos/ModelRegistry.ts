/** One completed move of a run's tags. */
export interface Publication {
  readonly record: string
  readonly generation: string
  /** The tag that carries the job's id: what a later attempt looks at. */
  readonly marker: string
  readonly images: ReadonlyArray<string>
  readonly digest: string
}

/** What the registry holds and what happened to it, for the tasks that the model runs and for the judgement after it. */
export class ModelRegistry {
  readonly #tags = new Map<string, string>()
  readonly #temporary = new Map<string, string>()
  readonly #passed = new Map<string, Set<string>>()
  readonly #live = new Map<string, LiveTask>()
  readonly publications: Array<Publication> = []
  /** What must never happen, as it happened. */
  readonly violations: Array<string> = []
  tasks = 0

  begin(allocation: string, task: LiveTask): void {
    this.tasks++
    for (const other of this.#live.values()) {
      const both = `${task.nomadJob} began while ${other.nomadJob} ran`
      if (other.nomadJob === task.nomadJob) this.violations.push(`two copies of one child: ${both}`)
      if (task.phase === "cleanup" || other.phase === "cleanup") continue
      if (other.record === task.record && other.generation !== task.generation)
        this.violations.push(`two generations of ${task.record} at once: ${both}`)
      if (task.phase === "build" && other.phase === "build" && other.source === task.source)
        this.violations.push(`two builds of one image and ref at once: ${both}`)
    }
    this.#live.set(allocation, task)
  }

  end(allocation: string): void {
    this.#live.delete(allocation)
  }

  live(): ReadonlyArray<LiveTask> {
    return [...this.#live.values()]
  }

  tag(image: string): string | undefined {
    return this.#tags.get(image)
  }

  pushTemporary(image: string, digest: string): void {
    this.#temporary.set(image, digest)
  }

  /** By digest, in the repository of a temporary image. */
  holdsTemporary(repository: string, digest: string): boolean {
    return [...this.#temporary].some(([image, held]) => held === digest && image.startsWith(`${repository}:`))
  }

  deleteTemporary(image: string): void {
    this.#temporary.delete(image)
  }

  temporaryImages(): ReadonlyArray<string> {
    return [...this.#temporary.keys()]
  }

  testPassed(digest: string, test: string): void {
    const passed = this.#passed.get(digest) ?? new Set()
    this.#passed.set(digest, passed.add(test))
  }

  testsPassed(digest: string): number {
    return this.#passed.get(digest)?.size ?? 0
  }

  publish(publication: Publication): void {
    for (const image of [...publication.images, publication.marker]) this.#tags.set(image, publication.digest)
    this.publications.push(publication)
  }
}

export interface LiveTask {
  readonly nomadJob: string
  readonly record: string
  readonly generation: string
  readonly phase: string
  /** Of a build: repository, ref and where it goes. */
  readonly source: string
}
