import { Effect, Either } from "effect"
import { type ApiError, Unavailable } from "../../src/http/ApiError.ts"
import type { Boundaries, Boundary, Fault } from "./Fault.ts"
import type { Prng } from "./Prng.ts"
import type { SimProcess } from "./SimProcess.ts"
import type { Timeline } from "./Timeline.ts"

/** What a fault does to the world beside the request that it hits. */
export interface FaultEffects {
  /** Equal as long as nothing in the world changes. */
  readonly signature: () => string
  readonly crash: (process: SimProcess) => void
  readonly pause: (process: SimProcess, milliseconds: number) => void
  readonly collectGarbage: () => void
  /** Something will still happen so many milliseconds from now. */
  readonly delay: (milliseconds: number) => void
}

/** A request to one of the two systems. */
export interface Request<A> {
  readonly system: "consul" | "nomad"
  readonly what: string
  readonly kind: "read" | "write"
  /** Older states with another answer; only asked of reads, and only while boundaries are recorded. */
  readonly older?: () => ReadonlyArray<number>
  /** Looks whether the request may be served, some time before it is. */
  readonly check?: () => ApiError | undefined
  /** Answers from the state of so many changes ago; writes are always made now. */
  readonly serve: (back: number) => Either.Either<A, ApiError>
}

/** A wait for news: what a blocking query or an event stream is. */
export interface Delivery {
  readonly what: string
  readonly older?: () => ReadonlyArray<number>
  /** What it tells, in short; left out: always something new. */
  readonly content?: () => string
  readonly pass: (back: number) => void
  /** What happens instead when the news gets lost. */
  readonly lose: () => void
  readonly fail: (error: ApiError) => void
}

/** The network between replicas and systems: the one place that everything crosses, and where faults happen. */
export class Wire {
  readonly timeline: Timeline
  private readonly boundaries: Boundaries
  private readonly latency: () => number
  private readonly effects: FaultEffects
  /** What each watch of each process told last, while boundaries are recorded. */
  private readonly told = new Map<string, string>()
  private onTheirWay = 0

  /** Without a generator every message takes a millisecond, so that a run can be repeated with one fault added. */
  constructor(timeline: Timeline, boundaries: Boundaries, random: Prng | undefined, effects: FaultEffects) {
    this.timeline = timeline
    this.boundaries = boundaries
    this.latency =
      random === undefined ? () => 1 : () => (random.chance(0.02) ? random.between(100, 900) : random.between(1, 12))
    this.effects = effects
  }

  call<A>(process: SimProcess, request: Request<A>): Effect.Effect<A, ApiError> {
    return Effect.async<A, ApiError>((resume) => {
      const answer = (result: Either.Either<A, ApiError>, delay = this.latency()) => {
        this.timeline.after(delay, () => process.deliver(() => resume(result)))
      }
      const fault = this.cross(process, request.kind, request.what, request.older, () => true)
      this.send(process, request, fault, answer)
    })
  }

  /** Hands over a piece of news, unless something happens to it on its way. */
  deliver(process: SimProcess, delivery: Delivery): void {
    if (process.isDead) return
    const fault = this.cross(process, "notification", delivery.what, delivery.older, () =>
      this.isNews(`${process.name} ${delivery.what}`, delivery.content?.())
    )
    const pass = (back: number) =>
      void this.timeline.after(this.latency(), () => process.deliver(() => delivery.pass(back)))
    switch (fault?.kind) {
      case "crash-before":
      case "crash-after":
        return this.effects.crash(process)
      case "error-before":
      case "error-after":
        return process.deliver(() => delivery.fail(unavailable("consul", delivery.what, "the connection broke")))
      case "stale":
        return pass(fault.back)
      case "unobserved":
        return delivery.lose()
      case "duplicated":
        pass(0)
        return pass(0)
      case "reordered":
      case "late-effect":
        return void this.timeline.after(fault.delay, () => pass(0))
      case "pause-before":
      case "pause-after":
        this.effects.pause(process, fault.duration)
        return pass(0)
      case "collect-garbage":
        this.effects.collectGarbage()
        return pass(0)
      case undefined:
        return pass(0)
    }
  }

  private isNews(watch: string, content: string | undefined): boolean {
    const known = this.told.get(watch)
    if (content !== undefined) this.told.set(watch, content)
    return content === undefined || content !== known
  }

  private cross(
    process: SimProcess,
    kind: Boundary["kind"],
    what: string,
    older: (() => ReadonlyArray<number>) | undefined,
    news: () => boolean
  ): Fault | undefined {
    const { isRecording } = this.boundaries
    return this.boundaries.cross({
      time: this.timeline.now,
      process: process.name,
      kind,
      what,
      older: isRecording && older !== undefined ? older() : [],
      world: isRecording ? `${this.effects.signature()} ${this.onTheirWay}` : "",
      news: isRecording && news()
    })
  }

  private send<A>(
    process: SimProcess,
    request: Request<A>,
    fault: Fault | undefined,
    answer: (result: Either.Either<A, ApiError>, delay?: number) => void
  ): void {
    const refuse = (detail: string, delay: number) =>
      answer(Either.left(unavailable(request.system, request.what, detail)), delay)
    const back = fault?.kind === "stale" && request.kind === "read" ? fault.back : 0
    const arrive = (then: (serve: () => Either.Either<A, ApiError>) => void, delay = this.latency()) => {
      const weight = request.kind === "write" ? 1 : 0
      this.onTheirWay += weight
      this.timeline.after(delay, () => {
        this.onTheirWay -= weight
        const refusal = request.check?.()
        const serve = () => (refusal === undefined ? request.serve(back) : Either.left(refusal))
        if (request.check === undefined) then(serve)
        else this.timeline.after(this.latency(), () => then(serve))
      })
    }
    switch (fault?.kind) {
      case "crash-before":
        return this.effects.crash(process)
      case "crash-after":
        return arrive((serve) => {
          serve()
          this.effects.crash(process)
        })
      case "error-before":
      case "unobserved":
        return refuse("connection refused", 1)
      case "error-after":
        return arrive((serve) => {
          serve()
          refuse("connection reset", 1)
        })
      case "late-effect":
        refuse("no answer in time", clientDeadline)
        this.effects.delay(fault.delay)
        return arrive((serve) => void serve(), fault.delay)
      case "pause-before":
        this.effects.pause(process, fault.duration)
        return process.deliver(() => arrive((serve) => answer(serve())))
      case "pause-after":
        return arrive((serve) => {
          answer(serve())
          this.effects.pause(process, fault.duration)
        })
      case "collect-garbage":
        return arrive((serve) => {
          this.effects.collectGarbage()
          answer(serve())
        })
      case "reordered":
        return arrive((serve) => answer(serve()), fault.delay)
      case "duplicated":
      case "stale":
      case undefined:
        return arrive((serve) => answer(serve()))
    }
  }
}

/** Milliseconds after which the clients give up on an ordinary request. */
const clientDeadline = 10_000

const unavailable = (system: "consul" | "nomad", operation: string, detail: string): Unavailable =>
  new Unavailable({ system, operation, detail })
