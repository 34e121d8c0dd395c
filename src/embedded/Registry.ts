import { spawn } from "node:child_process"
import { constants } from "node:fs"
import { access, mkdir, writeFile } from "node:fs/promises"
import { createServer } from "node:net"
import { delimiter, join } from "node:path"
import { Data, Duration, Effect, Option, Schedule, type Scope } from "effect"
import { makeEndpoint } from "../http/Transport.ts"

/** There is no registry to push to, and why. */
export class RegistryUnavailable extends Data.TaggedError("RegistryUnavailable")<{ readonly message: string }> {}

export interface RegistryOptions {
  readonly port: number
  /** Where images are kept. */
  readonly data: string
  /** The PATH to look for a registry's program in. */
  readonly path: string
}

/** Fails unless something that speaks the registry API answers at `host:port`. */
export const requireRegistry = (address: string): Effect.Effect<void, RegistryUnavailable> =>
  Effect.flatMap(speaksRegistry(address), (speaks) =>
    speaks
      ? Effect.void
      : new RegistryUnavailable({
          message: `no container registry answers at http://${address}/v2/; start one there, or leave --registry out to have one started`
        })
  )

/**
 * Starts the machine's own registry program on loopback, with deletion on, and ends it with the scope. It is Debian's
 * `docker-registry` or the `registry` of the distribution project: neither is part of this product.
 */
export const startRegistry = Effect.fn("startRegistry")(function* (
  options: RegistryOptions
): Effect.fn.Return<string, RegistryUnavailable, Scope.Scope> {
  const address = `127.0.0.1:${options.port}`
  const program = yield* findProgram(options.path, programs)
  // A registry that outlived a killed process of ours would keep the port from the next one.
  const guard = yield* Effect.option(findProgram(options.path, ["setpriv"]))
  // One that is just ending needs a moment to let go of the port.
  yield* Effect.retry(requireFree(options.port), { schedule: Schedule.spaced(Duration.millis(200)), times: 10 })
  const config = yield* Effect.promise(() => writeConfig(options, address))
  const child = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const [command = program, ...args] = [
        ...Option.match(guard, { onNone: () => [], onSome: (setpriv) => [setpriv, "--pdeathsig", "TERM"] }),
        program,
        "serve",
        config
      ]
      return spawn(command, args, { stdio: ["ignore", "ignore", "pipe"] })
    }),
    (running) => endProcess(running)
  )
  const errors: Array<string> = []
  child.stderr.on("data", (chunk: Buffer) => {
    errors.push(chunk.toString())
    errors.splice(0, errors.length - 20)
  })
  const exited = Effect.async<never, RegistryUnavailable>((resume) => {
    const fail = () =>
      resume(new RegistryUnavailable({ message: `${program} ended at once: ${errors.join("").trim().slice(-400)}` }))
    child.once("exit", fail)
    child.once("error", fail)
  })
  const answering = speaksRegistry(address).pipe(
    Effect.filterOrFail(
      (speaks) => speaks,
      () => new RegistryUnavailable({ message: `${program} does not answer at ${address}` })
    ),
    Effect.retry({ schedule: Schedule.spaced(Duration.millis(50)), times: 200 })
  )
  yield* Effect.raceFirst(answering, exited)
  return address
})

const programs = ["docker-registry", "registry"]

const findProgram = (path: string, names: ReadonlyArray<string>): Effect.Effect<string, RegistryUnavailable> =>
  Effect.findFirst(
    names.flatMap((program) => path.split(delimiter).map((folder) => join(folder, program))),
    (file) =>
      Effect.promise(() =>
        access(file, constants.X_OK).then(
          () => true,
          () => false
        )
      )
  ).pipe(
    Effect.flatten,
    Effect.mapError(
      () =>
        new RegistryUnavailable({
          message:
            "no registry program on the PATH; install one with: apt-get install -y docker-registry, or name one that runs already with --registry host:port"
        })
    )
  )

const requireFree = (port: number): Effect.Effect<void, RegistryUnavailable> =>
  Effect.async((resume) => {
    const probe = createServer()
    probe.once("error", () =>
      resume(
        new RegistryUnavailable({
          message: `the registry cannot listen on 127.0.0.1:${port}: the port is taken; choose another with --registry-port, or use the registry that answers there with --registry 127.0.0.1:${port}`
        })
      )
    )
    probe.listen(port, "127.0.0.1", () => probe.close(() => resume(Effect.void)))
  })

const writeConfig = async ({ data }: RegistryOptions, address: string): Promise<string> => {
  await mkdir(join(data, "images"), { recursive: true })
  const file = join(data, "registry.yml")
  // JSON is YAML: no quoting to get wrong.
  const config = {
    version: 0.1,
    log: { level: "error", accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(data, "images") }, delete: { enabled: true } },
    http: { addr: address }
  }
  await writeFile(file, JSON.stringify(config))
  return file
}

const speaksRegistry = (address: string): Effect.Effect<boolean> =>
  Effect.scoped(
    Effect.gen(function* () {
      const endpoint = yield* makeEndpoint({ origin: `http://${address}` })
      const answer = yield* endpoint.request({ method: "GET", path: "/v2/", timeout: "2 seconds" })
      return answer.status === 200 || answer.status === 401
    })
  ).pipe(Effect.orElseSucceed(() => false))

const endProcess = (child: ReturnType<typeof spawn>): Effect.Effect<void> =>
  child.exitCode !== null || child.signalCode !== null
    ? Effect.void
    : Effect.async<void>((resume) => {
        child.once("exit", () => resume(Effect.void))
        child.kill("SIGTERM")
      }).pipe(
        // A release can't be interrupted: the waiting in it still must be.
        Effect.interruptible,
        Effect.timeoutTo({
          duration: Duration.seconds(5),
          onSuccess: () => {},
          onTimeout: () => {
            child.kill("SIGKILL")
          }
        })
      )
