import { Effect, Option } from "effect"
import type { JobState } from "../../api/JobState.ts"
import type { JobForgeError } from "../../client/ClientErrors.ts"
import type { JobForge } from "../../client/JobForge.ts"
import { Io } from "../Io.ts"
import { liveScreen } from "../terminal/liveScreen.ts"
import { liveView } from "./liveView.ts"
import { plainView } from "./plainView.ts"
import type { WatchOptions } from "./WatchOptions.ts"

/**
 * Shows a job until it is over, and how it ended: live in a terminal, in plain lines anywhere else. To interrupt it ends
 * the watching alone, and says so.
 */
export const watchJob = (client: JobForge, options: WatchOptions): Effect.Effect<JobState, JobForgeError, Io> =>
  Effect.flatMap(
    liveScreen,
    Option.match({
      onNone: () => plainView(client, options),
      onSome: (screen) => liveView(client, screen, options)
    })
  ).pipe(Effect.onInterrupt(() => Effect.flatMap(Io, ({ err }) => err(stopped(options)))))

const stopped = ({ id, program }: WatchOptions): string =>
  [
    `Stopped watching: job ${id} goes on.`,
    `Watch it again: ${program} watch ${id}`,
    `Kill it: ${program} kill-job ${id}`,
    ""
  ].join("\n")
