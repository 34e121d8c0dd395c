import { mkdir, rm } from "node:fs/promises"
import { join } from "node:path"
import { Effect, type Scope } from "effect"
import type { Confinement } from "./Confinement.ts"
import { runTool } from "./runTool.ts"

/** Folders that one task has to itself for as long as it runs. */
export interface TaskSpace {
  readonly folder: string
  readonly home: string
  readonly work: string
  readonly temporary: string
}

/** One name for the folder, the container and the container's record at crun. */
export const taskKey = (allocationId: string, taskName: string): string => `${allocationId}-${taskName}`

/** Makes a task's own folders; they go with the scope. */
export const makeTaskSpace = (
  tasksFolder: string,
  key: string,
  confinement: Confinement,
  path: string
): Effect.Effect<TaskSpace, never, Scope.Scope> => {
  const folder = join(tasksFolder, key)
  const space = { folder, home: join(folder, "home"), work: join(folder, "work"), temporary: join(folder, "tmp") }
  return Effect.acquireRelease(
    Effect.promise(async () => {
      await Promise.all(
        [space.home, space.work, space.temporary].map((each) => mkdir(each, { recursive: true, mode: 0o700 }))
      )
      return space
    }),
    () => removeFolder(folder, confinement, path)
  )
}

/** Removes a folder in which a user namespace may have left files of subordinate ids. */
export const removeFolder = (folder: string, confinement: Confinement, path: string): Effect.Effect<void> =>
  Effect.promise(() =>
    rm(folder, { recursive: true, force: true }).then(
      () => true,
      () => false
    )
  ).pipe(
    Effect.flatMap((removed) =>
      removed ? Effect.void : runTool({ command: [...confinement.engine, "rm", "-rf", folder], env: { PATH: path } })
    ),
    Effect.asVoid
  )
