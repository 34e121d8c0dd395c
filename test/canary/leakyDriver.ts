import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Context, Effect, Layer } from "effect"
import { type TaskContext, TaskDriver } from "../../src/embedded/nomad/TaskDriver.ts"

/**
 * A driver whose tasks first tell all that they were given, in every way that a program might: in clear, in base64 and hex,
 * quoted and escaped, line by line and byte by byte; then they do what the driver below them does. `extra` they know by accident.
 */
export const leakyDriver = (below: Layer.Layer<TaskDriver>, extra: ReadonlyArray<string>): Layer.Layer<TaskDriver> =>
  Layer.map(below, (context) => {
    const driver = Context.get(context, TaskDriver)
    return Context.make(
      TaskDriver,
      TaskDriver.of({
        ...driver,
        start: (task) =>
          Effect.zipRight(
            Effect.sync(() => tell(task, [...givenTo(task), ...extra])),
            driver.start(task)
          )
      })
    )
  })

/** What a task finds in its environment and in the folder of its secrets. */
const givenTo = ({ env, folders }: TaskContext): ReadonlyArray<string> => {
  const files = readdirSync(folders.secrets, { recursive: true, encoding: "utf8" })
    .map((name) => join(folders.secrets, name))
    .filter((file) => statSync(file).isFile())
  return [...Object.values(env), ...files.map((file) => readFileSync(file, "utf8"))].filter((text) => text !== "")
}

const tell = ({ env, folders, stderr, stdout }: TaskContext, texts: ReadonlyArray<string>): void => {
  const write = (text: string) => stdout(Buffer.from(`${text}\n`))
  for (const [name, value] of Object.entries(env)) write(`${name}=${value}`)
  for (const text of texts) {
    write(text)
    write(JSON.stringify({ text }))
    write(`'${text.replaceAll("'", String.raw`'\''`)}'`)
    write(encodeURIComponent(text))
    for (const before of ["", "a", "ab"]) {
      write(
        Buffer.from(before + text)
          .toString("base64")
          .replaceAll(/.{76}/g, "$&\n")
      )
      write(Buffer.from(before + text).toString("base64url"))
    }
    write(Buffer.from(text).toString("hex").replaceAll(/.{60}/g, "$&\n"))
    write(Buffer.from(text).toString("hex").toUpperCase())
    for (const byte of Buffer.from(`${text}\n`)) stderr(Uint8Array.of(byte))
    for (let at = 0; at < text.length; at += 5) stdout(Buffer.from(text.slice(at, at + 5)))
    stdout(Buffer.from("\n"))
  }
  const [first = ""] = texts
  stderr(Buffer.from(`fatal: unable to access 'https://robot:${texts.at(-1) ?? first}@git.example.com/x.git/': 403\n`))
  const message = `can't clone with ${texts.join(" ")}`
  writeFileSync(join(folders.alloc, "failure.json"), JSON.stringify({ reason: "RepositoryUnreachable", message }))
}
