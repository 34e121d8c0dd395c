/** Why a waiter is woken. */
export type Wake = "changed" | "timeout"

/**
 * Who waits for what. A change costs as much as it has waiters, however many others wait: they are found by topic,
 * never by going through all of them.
 */
export class Waiters {
  private readonly byTopic = new Map<string, Set<Waiter>>()
  private readonly woken = new Set<Waiter>()
  private flushing: NodeJS.Immediate | undefined

  /**
   * Calls `wake` once: soon after one of the topics changed, or after `maxMs`. The changes of one turn of the event
   * loop wake once, after all of them. Returns how to give up.
   */
  wait(topics: Iterable<string>, maxMs: number, wake: (why: Wake) => void): () => void {
    const waiter: Waiter = { topics: [...topics], wake, timer: undefined }
    waiter.timer = setTimeout(() => {
      this.forget(waiter)
      wake("timeout")
    }, maxMs)
    for (const topic of waiter.topics) {
      const known = this.byTopic.get(topic)
      if (known === undefined) this.byTopic.set(topic, new Set([waiter]))
      else known.add(waiter)
    }
    return () => this.forget(waiter)
  }

  notify(topics: Iterable<string>): void {
    for (const topic of topics) for (const waiter of this.byTopic.get(topic) ?? []) this.woken.add(waiter)
    if (this.woken.size > 0) this.flushing ??= setImmediate(() => this.flush())
  }

  /** How many topics are waited for. */
  get size(): number {
    return this.byTopic.size
  }

  /** Forgets everybody without waking them. */
  close(): void {
    clearImmediate(this.flushing)
    for (const waiters of this.byTopic.values()) for (const waiter of waiters) clearTimeout(waiter.timer)
    this.byTopic.clear()
    this.woken.clear()
  }

  private flush(): void {
    const woken = [...this.woken]
    this.flushing = undefined
    for (const waiter of woken) {
      if (!this.woken.has(waiter)) continue
      this.forget(waiter)
      waiter.wake("changed")
    }
  }

  private forget(waiter: Waiter): void {
    clearTimeout(waiter.timer)
    this.woken.delete(waiter)
    for (const topic of waiter.topics) {
      const waiters = this.byTopic.get(topic)
      waiters?.delete(waiter)
      if (waiters?.size === 0) this.byTopic.delete(topic)
    }
  }
}

interface Waiter {
  readonly topics: ReadonlyArray<string>
  readonly wake: (why: Wake) => void
  timer: NodeJS.Timeout | undefined
}
