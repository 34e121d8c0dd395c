import { assert, describe, it } from "@effect/vitest"
import { FastCheck as fc, Option } from "effect"
import { alone } from "../../src/domain/Competition.ts"
import { ChildState } from "../../src/domain/ChildState.ts"
import { deliveryId } from "../../src/domain/childIds.ts"
import { isTerminal, type Status } from "../../src/domain/Status.ts"
import { isWebhookWanted, type WebhookEvent, webhookEvents } from "../../src/domain/webhookEvents.ts"
import { befall, happening } from "../support/befall.ts"
import { desired, minimal, placed, tested, valid, World } from "../support/world.ts"

/** What a run may tell, from its beginning to wherever it has come. */
const legal = new RegExp(
  `^(?:${[
    "",
    "job.failed",
    "build.started",
    "build.started build.failed job.failed",
    "build.started build.completed(?: (?:job.completed|job.failed|test.started(?: (?:test.failed job.failed|test.completed(?: (?:job.failed|publish.started(?: (?:publish.failed job.failed|publish.completed job.completed))?))?))?))?"
  ].join("|")})$`
)

/** Every run's statuses in the order in which they came about, the last of a replaced run among them. */
class Chronicle {
  readonly runs = new Map<string, Array<Status>>()
  private before: Status | undefined
  readonly told = new Map<string, Array<WebhookEvent>>()

  /** One pass of the world: what it wrote, and what that tells. */
  take(world: World): void {
    const ended = Option.getOrUndefined(world.last.ended)
    if (Option.isSome(world.last.status)) {
      if (ended !== undefined) this.step(ended)
      this.step(world.last.status.value)
    }
  }

  private step(status: Status): void {
    const id = status.job_id ?? ""
    this.runs.set(id, [...(this.runs.get(id) ?? []), status])
    this.told.set(id, [...(this.told.get(id) ?? []), ...webhookEvents(this.before, status)])
    this.before = status
  }
}

const live = (happenings: ReadonlyArray<{ what: string; which: number; amount: number }>, fields: object) => {
  const world = new World()
  const chronicle = new Chronicle()
  world.record = valid({ ...fields })
  const pass = () => {
    world.pass()
    chronicle.take(world)
  }
  for (const one of happenings) {
    befall(world, one)
    pass()
  }
  for (let rounds = 0; rounds < 40; rounds++) {
    for (let passes = 0; passes < 6; passes++) pass()
    world.now += 4_000_000
    for (const { nomad_job_id: id } of world.open()) world.succeed(id)
  }
  return { chronicle, world }
}

describe("the events of a run", () => {
  it("come once each, in a legal order, and never without its end, whatever happens", () => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 50 }), fc.boolean(), (happenings, withTests) => {
        const { chronicle } = live(happenings, withTests ? tested : {})
        for (const [id, told] of chronicle.told) {
          if (id === "") assert.deepStrictEqual(told, [])
          else {
            assert.lengthOf(new Set(told), told.length)
            assert.match(told.join(" "), legal)
            const last = chronicle.runs.get(id)?.at(-1)
            assert.isTrue(last !== undefined && isTerminal(last.status), "every run comes to its end")
            assert.strictEqual(told.at(-1), last?.status === "SUCCEEDED" ? "job.completed" : "job.failed")
          }
        }
      }),
      { numRuns: 120 }
    )
  })

  it("are the same when statuses in between were never written", () => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 40 }), fc.array(fc.boolean()), (happenings, kept) => {
        const { chronicle } = live(happenings, tested)
        for (const [id, statuses] of chronicle.runs) {
          const thinned = statuses.filter(
            (_, at) => at === statuses.length - 1 || kept[at % (kept.length + 1)] === true
          )
          const told = thinned.flatMap((status, at) => webhookEvents(thinned[at - 1], status))
          assert.deepStrictEqual(told, chronicle.told.get(id))
        }
      }),
      { numRuns: 60 }
    )
  })

  it("of a build, its tests and its publishing are seven when all goes well", () => {
    const { chronicle } = live([{ what: "run", which: 0, amount: 0 }], tested)
    assert.deepStrictEqual(
      [...chronicle.told.values()],
      [
        [
          "build.started",
          "build.completed",
          "test.started",
          "test.completed",
          "publish.started",
          "publish.completed",
          "job.completed"
        ]
      ]
    )
  })

  it("of a build without tests say nothing of a phase that there is not", () => {
    const { chronicle } = live([], {})
    assert.deepStrictEqual([...chronicle.told.values()], [["build.started", "build.completed", "job.completed"]])
  })

  it("don't repeat a start when a phase is tried again", () => {
    const lost = { what: "never-started", which: 0, amount: 0 }
    const { chronicle, world } = live([lost, { what: "wait", which: 0, amount: 10_000 }, lost], tested)
    assert.isAbove(world.status?.attempts.filter(({ phase }) => phase === "build").length ?? 0, 1)
    const [told = []] = chronicle.told.values()
    assert.lengthOf(
      told.filter((event) => event === "build.started"),
      1
    )
  })

  it("of a killed run end with job.failed, and its phase failed", () => {
    const world = new World()
    world.record = valid(tested)
    world.settle()
    world.run(world.child("build"))
    world.settle()
    const before = world.status
    world.record = valid({ ...tested, state: "cancelled" })
    world.settle()
    assert.strictEqual(world.status?.reason, "Cancelled")
    assert.deepStrictEqual(webhookEvents(before, world.status ?? assert.fail()), ["build.failed", "job.failed"])
  })

  it("of a run that never had a place are job.failed alone", () => {
    const world = new World()
    world.record = valid(tested)
    world.settle()
    const before = world.status
    world.record = valid({ ...tested, state: "cancelled" })
    world.settle()
    assert.deepStrictEqual(webhookEvents(before, world.status ?? assert.fail()), ["job.failed"])
  })

  it("of a build that no node takes are its beginning and its end", () => {
    const world = new World()
    world.record = valid(tested)
    world.settle()
    world.rejected.set(world.child("build"), "no such driver")
    world.settle()
    assert.deepStrictEqual(webhookEvents(undefined, world.status ?? assert.fail()), [
      "build.started",
      "build.failed",
      "job.failed"
    ])
  })

  it("of a run that another replaces while it waits are told although no status ever says so", () => {
    const world = new World()
    const holder = { name: "other", jobId: "job-o", slots: new Set<string>() }
    world.competition = { ...alone, holders: new Map() }
    world.record = valid({ ...tested, git_ref: "one" })
    world.pass()
    const slots = world.status?.slots ?? []
    const waiting = new World()
    waiting.record = world.record
    waiting.competition = { ...alone, holders: new Map(slots.map((slot) => [slot, holder])) }
    waiting.pass()
    const before = waiting.status ?? assert.fail()
    assert.strictEqual(before.waiting?.reason, "WaitingForSlot")
    waiting.record = valid({ ...tested, git_ref: "two" })
    const { ended, status } = waiting.pass()
    const last = Option.getOrThrow(ended)
    assert.strictEqual(last.reason, "Superseded")
    assert.isNumber(last.times.job_end)
    assert.notStrictEqual(Option.getOrThrow(status).job_id, before.job_id)
    assert.deepStrictEqual(webhookEvents(before, last), ["job.failed"])
    assert.deepStrictEqual(webhookEvents(last, Option.getOrThrow(status)), [])
  })

  it("of a record that can't be built there are none", () => {
    const world = new World()
    world.record = valid({ state: "cancelled" })
    world.settle()
    assert.deepStrictEqual(webhookEvents(undefined, world.status ?? assert.fail()), [])
  })

  it("of a test that fails while others pass end with it", () => {
    const world = new World()
    world.record = valid(tested)
    world.settle()
    world.succeed(world.child("build"))
    world.settle()
    const [first, ...others] = world.open()
    world.fail(first?.nomad_job_id ?? "", 3)
    for (const { nomad_job_id: id } of others) world.succeed(id)
    world.settle()
    assert.deepStrictEqual(webhookEvents(undefined, world.status ?? assert.fail()).slice(-2), [
      "test.failed",
      "job.failed"
    ])
  })

  it("of a run that is told to end when its build has just done its work say so", () => {
    const world = new World()
    world.record = valid(tested)
    world.settle()
    const id = world.child("build")
    world.children.set(id, ChildState.Running({ ...placed(id), startedAt: world.now }))
    world.settle()
    world.record = valid({ ...tested, state: "cancelled" })
    world.succeed(id)
    world.settle()
    assert.deepStrictEqual(webhookEvents(undefined, world.status ?? assert.fail()), [
      "build.started",
      "build.completed",
      "job.failed"
    ])
  })
})

describe("what a job wants to be told", () => {
  const wants = (fields: object) => {
    const { job } = desired({ ...minimal, ...fields })
    const asked: ReadonlyArray<WebhookEvent> = [
      "build.started",
      "build.failed",
      "test.completed",
      "publish.failed",
      "job.completed",
      "job.failed"
    ]
    return asked.filter((event) => isWebhookWanted(job, event))
  }

  it("is everything when it says nothing", () => {
    assert.lengthOf(wants({}), 6)
  })

  it("is nothing about its success when it says so", () => {
    assert.notInclude(wants({ webhook_on_success: false }), "job.completed")
    assert.lengthOf(wants({ webhook_on_success: false }), 5)
  })

  it("is nothing about its failures when it says so", () => {
    assert.deepStrictEqual(wants({ webhook_on_failure: false }), ["build.started", "test.completed", "job.completed"])
  })

  it("is neither when both are false: that is no way to say both", () => {
    assert.deepStrictEqual(wants({ webhook_on_success: false, webhook_on_failure: false }), [
      "build.started",
      "test.completed"
    ])
  })
})

describe("a delivery's id", () => {
  it("is the same whenever the same is told of the same run, and else another one", () => {
    assert.strictEqual(deliveryId("a", "job.failed"), deliveryId("a", "job.failed"))
    assert.match(deliveryId("a", "job.failed"), /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    const others = [deliveryId("a", "job.failed"), deliveryId("a", "job.completed"), deliveryId("b", "job.failed")]
    assert.lengthOf(new Set(others), 3)
  })
})
