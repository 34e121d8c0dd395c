import type { StatusRead } from "../store/Statuses.ts"

/**
 * Statuses as this process read or wrote them last. Only this process writes them while it leads; a conflict throws the copy
 * away. What is over and done with stays in the store alone: it may be most of all that there is.
 */
export class StatusCache {
  private readonly known = new Map<string, StatusRead>()
  private readonly readings = new Set<Set<string>>()

  get(name: string): StatusRead | undefined {
    return this.known.get(name)
  }

  set(name: string, read: StatusRead): void {
    this.known.set(name, read)
    this.touch(name)
  }

  delete(name: string): void {
    this.known.delete(name)
    this.touch(name)
  }

  /**
   * Begins a reading of many statuses, each of which may be written, archived or thrown away before it is taken in: then what
   * was read of it is of the past. Call `end` when there is nothing more to take in.
   */
  beginReading(): Reading {
    const touched = new Set<string>()
    this.readings.add(touched)
    return {
      isOutdated: (name) => touched.has(name),
      remember: (name, read) => {
        if (!touched.has(name) && !this.known.has(name)) this.known.set(name, read)
      },
      end: () => void this.readings.delete(touched)
    }
  }

  private touch(name: string): void {
    for (const touched of this.readings) touched.add(name)
  }
}

export interface Reading {
  /** Since it began, this process has looked at this very status or changed it. */
  readonly isOutdated: (name: string) => boolean
  /** Unless something newer is known. */
  readonly remember: (name: string, read: StatusRead) => void
  readonly end: () => void
}
