export interface WatchOptions {
  /** The job's id, or its record's name. */
  readonly id: string
  /** Tags of the image besides the job's id, as far as the caller knows of them. */
  readonly knownTags: ReadonlyArray<string>
  readonly serviceUrl: string
  /** How the same service is called again: `jobforge`, with the global flags that were given. */
  readonly program: string
}
