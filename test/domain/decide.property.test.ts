import { assert, describe, it } from "@effect/vitest"
import { FastCheck as fc, Option } from "effect"
import { ChildState } from "../../src/domain/ChildState.ts"
import { RecordView } from "../../src/domain/Snapshot.ts"
import { isTerminal } from "../../src/domain/Status.ts"
import { archived, placed, reported, tested, valid, World } from "../support/world.ts"

/** What may befall one open child, or the record, or time. */
const happening = fc.record({
  what: fc.constantFrom(
    "run",
    "succeed",
    "fail",
    "oom",
    "never-started",
    "lost",
    "vanish",
    "stopped",
    "starting",
    "unplaced",
    "unreachable",
    "wait",
    "cancel",
    "change",
    "delete",
    "break",
    "restore"
  ),
  which: fc.nat(5),
  amount: fc.nat(4_000_000)
})
type Happening = { readonly what: string; readonly which: number; readonly amount: number }

const onRecord: Readonly<Record<string, (world: World, amount: number) => void>> = {
  cancel: (world) => {
    world.record = valid({ ...tested, state: "cancelled" })
  },
  change: (world, amount) => {
    world.record = valid({ ...tested, git_ref: `branch-${amount % 3}` })
  },
  delete: (world) => {
    world.record = RecordView.Absent()
  },
  break: (world) => {
    world.record = RecordView.Invalid({
      reason: "InvalidSpec",
      errors: [{ path: "owner", message: "owner is required" }]
    })
  },
  restore: (world) => {
    world.record = valid(tested)
  },
  wait: (world, amount) => {
    world.now += amount
  }
}

const onChild: Readonly<Record<string, (world: World, id: string) => void>> = {
  run: (world, id) => world.run(id),
  succeed: (world, id) => world.succeed(id, reported),
  fail: (world, id) => world.fail(id, 1),
  oom: (world, id) => world.fail(id, 137, { oomKilled: true }),
  "never-started": (world, id) =>
    world.children.set(
      id,
      ChildState.NeverStarted({ ...placed(id), reason: "driver", message: "", finishedAt: world.now })
    ),
  lost: (world, id) => world.children.set(id, ChildState.Lost({ ...placed(id), message: "" })),
  vanish: (world, id) => world.children.delete(id),
  stopped: (world, id) =>
    world.children.set(id, ChildState.Stopped({ allocationId: Option.none(), finishedAt: Option.none() })),
  starting: (world, id) =>
    world.children.set(id, ChildState.Starting({ ...placed(id), waiting: Option.some("secret") })),
  unplaced: (world, id) => world.children.set(id, ChildState.Queued({ unplaced: Option.some("no node") })),
  unreachable: (world, id) => world.succeed(id, { ...archived, logs: "unreachable" })
}

const befall = (world: World, { what, which, amount }: Happening): void => {
  const change = onRecord[what]
  if (change !== undefined) return change(world, amount)
  const open = world.open()
  const child = open[which % Math.max(1, open.length)]
  if (child !== undefined) onChild[what]?.(world, child.nomad_job_id)
}

/** What must hold after every pass, whatever happened before. */
const check = (world: World, before: World["status"]): void => {
  const { status } = world
  if (status === undefined) return
  const ids = world.open().map(({ phase, test, attempt }) => `${phase} ${JSON.stringify(test)} ${attempt}`)
  assert.lengthOf(new Set(ids), ids.length, "one live child of a step and attempt")
  const steps = world.open().map(({ phase, test }) => `${phase} ${JSON.stringify(test)}`)
  assert.lengthOf(new Set(steps), steps.length, "one live attempt of a step")
  if (status.attempts.some(({ phase }) => phase === "publish")) {
    const passed = status.attempts.filter(({ phase, outcome }) => phase === "test" && outcome?.result === "succeeded")
    assert.lengthOf(passed, 3, "published only after every test passed")
  }
  if (before !== undefined && isTerminal(before.status) && before.generation === status.generation) {
    assert.strictEqual(status.status, before.status, "terminal is final")
    assert.strictEqual(status.reason, before.reason, "and so is its reason")
  }
  assert.isAtLeast(status.generation, before?.generation ?? 0, "generations only grow")
  if (status.status === "SUCCEEDED") assert.isString(status.digest)
}

describe("decide", () => {
  it("keeps its promises whatever happens, and settles once nothing happens any more", () => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 60 }), (happenings) => {
        const world = new World()
        world.record = valid(tested)
        for (const one of happenings) {
          const before = world.status
          befall(world, one)
          world.pass()
          check(world, before)
        }
        // Faults stop: whatever is under way ends, and whatever is due comes.
        for (let rounds = 0; rounds < 40; rounds++) {
          world.settle()
          world.now += 4_000_000
          for (const { nomad_job_id: id } of world.open()) world.succeed(id)
        }
        world.settle()
        assert.lengthOf(world.open(), 0)
        assert.isTrue(world.status === undefined || isTerminal(world.status.status))
        const written = world.status
        world.now += 100_000_000
        world.pass()
        assert.strictEqual(world.status, written, "nothing is written at rest")
      }),
      { numRuns: 300 }
    )
  })

  it("is a function of its snapshot", () => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 30 }), (happenings) => {
        const twins = [new World(), new World()]
        for (const world of twins) {
          world.record = valid(tested)
          for (const one of happenings) {
            befall(world, one)
            world.pass()
          }
        }
        assert.deepStrictEqual(twins[0]?.status, twins[1]?.status)
        assert.deepStrictEqual(twins[0]?.log, twins[1]?.log)
      }),
      { numRuns: 50 }
    )
  })
})
