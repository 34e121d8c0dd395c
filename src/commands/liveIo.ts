import { Effect, Layer, Option } from "effect"
import { Io, type Screen } from "./Io.ts"

/** The process's own streams and environment. */
export const liveIo: Layer.Layer<Io> = Layer.sync(Io, () => ({
  out: (text) => write(process.stdout, text),
  err: (text) => write(process.stderr, text),
  stdin: Effect.suspend(() => (process.stdin.isTTY ? Effect.succeedNone : Effect.asSome(readAll))),
  environment: process.env,
  screen: process.stdout.isTTY && process.env["TERM"] !== "dumb" ? Option.some(screen) : Option.none()
}))

/** Done once the system has it, so that a process that ends next loses nothing. */
const write = (stream: NodeJS.WriteStream, text: string): Effect.Effect<void> =>
  Effect.async((resume) => {
    // A reader that went away (`| head`) wants no more: that is no fault of the command's.
    stream.write(text, (error) =>
      resume(error !== null && error !== undefined && isBrokenPipe(error) ? Effect.interrupt : Effect.void)
    )
  })

const isBrokenPipe = (error: Error): boolean => "code" in error && error.code === "EPIPE"

const readAll: Effect.Effect<string> = Effect.promise(async () => {
  const chunks: Array<Buffer> = []
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks).toString("utf8")
})

const screen: Screen = {
  size: Effect.sync(() => ({ columns: process.stdout.columns ?? 80, rows: process.stdout.rows ?? 24 })),
  resized: Effect.async((resume) => {
    const onResize = () => resume(Effect.void)
    process.stdout.once("resize", onResize)
    return Effect.sync(() => process.stdout.off("resize", onResize))
  }),
  colour: (process.env["NO_COLOR"] ?? "") === ""
}
