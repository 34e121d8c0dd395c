import { Effect, Schedule, type Scope } from "effect"
import { createHash } from "node:crypto"
import { mkdirSync, realpathSync } from "node:fs"
import { createServer, type Server } from "node:net"
import { StoredStateError } from "./Journal.ts"

/**
 * Makes the folder this process's alone until the scope closes: two journals in one folder would spoil each other.
 *
 * The claim is an abstract socket, which the kernel frees however the process ends, so that a crash leaves nothing to
 * clear away. Only Linux has them; elsewhere nothing is claimed.
 */
export const claimFolder = (folder: string): Effect.Effect<void, StoredStateError, Scope.Scope> =>
  process.platform === "linux"
    ? Effect.asVoid(
        Effect.acquireRelease(Effect.retry(claim(folder), lettingGo), (server) => Effect.sync(() => server.close()))
      )
    : Effect.void

/** A process that was killed a moment ago is still being taken apart. */
const lettingGo = Schedule.intersect(Schedule.spaced("100 millis"), Schedule.recurs(20))

const claim = (folder: string): Effect.Effect<Server, StoredStateError> =>
  Effect.async((resume) => {
    const refuse = (why: string) => resume(Effect.fail(new StoredStateError({ path: folder, why })))
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      const name = createHash("sha256").update(realpathSync(folder)).digest("hex")
      const server = createServer((socket) => socket.destroy())
      server.once("error", (error: NodeJS.ErrnoException) =>
        refuse(
          error.code === "EADDRINUSE"
            ? "another process uses it; stop that one, or choose another folder"
            : error.message
        )
      )
      server.listen(`\u0000jobforge-${name}`, () => resume(Effect.succeed(server)))
      server.unref()
    } catch (error) {
      refuse(error instanceof Error ? error.message : String(error))
    }
  })
