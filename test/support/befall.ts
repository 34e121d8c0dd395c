import { FastCheck as fc, Option } from "effect"
import { ChildState } from "../../src/domain/ChildState.ts"
import { RecordView } from "../../src/domain/Snapshot.ts"
import { archived, placed, reported, tested, valid, type World } from "./world.ts"

/** What may befall one open child, or the record, or time. */
export const happening = fc.record({
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

export const befall = (world: World, { what, which, amount }: Happening): void => {
  const change = onRecord[what]
  if (change !== undefined) return change(world, amount)
  const open = world.open()
  const child = open[which % Math.max(1, open.length)]
  if (child !== undefined) onChild[what]?.(world, child.nomad_job_id)
}
