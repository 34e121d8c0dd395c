import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { Context, Deferred, Effect, Layer, Option, type Scope } from "effect"
import { Consul } from "../src/consul/Consul.ts"
import * as ConsulHttp from "../src/consul/ConsulHttp.ts"
import { startEmbeddedConsul } from "../src/embedded/consul/EmbeddedConsul.ts"
import { startEmbeddedNomad } from "../src/embedded/nomad/EmbeddedNomad.ts"
import { TaskDriver, type TaskExit } from "../src/embedded/nomad/TaskDriver.ts"
import { decodeHolder } from "../src/leader/Holder.ts"
import { consulProgram, startRealConsul } from "../test/support/RealConsul.ts"
import { nomadClient, plainNomad } from "../test/support/nomadClient.ts"
import { asInTheImage } from "./bench/asInTheImage.ts"
import { percentile } from "./bench/Figure.ts"
import { bundle } from "./build.ts"
import { serveEnvironment } from "./support/serveEnvironment.ts"

// How long nobody leads: two `jobforge serve` over one Consul and one Nomad; the leader is killed or asked to end, a
// record is put at once, and the clock stops when its build is registered in Nomad.

/** Milliseconds that a fail-over may take. */
const goals = { SIGKILL: 5000, SIGTERM: 1000 } as const
type Signal = keyof typeof goals

interface Try {
  readonly signal: Signal
  /** ms from the signal until another holds the key. */
  readonly elected: number
  /** ms from the signal until the build is registered. */
  readonly acts: number
}

/** A leader that acted before it was elected would be the old one: then nothing was measured. */
const isEarly = ({ acts, elected }: Try): boolean => acts < elected - 20

interface Replica {
  readonly address: string
  readonly child: ChildProcess
}

const prefix = "jobforge-service"
const record = (name: string) =>
  JSON.stringify({
    owner: "failover",
    repo_url: "https://git.example.com/app.git",
    image_name: name,
    registry_url: "registry.example.com:5000"
  })

/** Its tasks do nothing until they are stopped. */
const idleDriver = Layer.succeed(
  TaskDriver,
  TaskDriver.of({
    validate: () => [],
    start: Effect.fnUntraced(function* () {
      const ended = yield* Deferred.make<TaskExit>()
      const end = Deferred.succeed(ended, { exitCode: 143, signal: 15, oomKilled: false })
      return { wait: Deferred.await(ended), signal: () => Effect.asVoid(end) }
    }),
    sweep: () => Effect.void
  })
)

const startConsul = Effect.gen(function* () {
  const program = consulProgram()
  if (program !== undefined) return { kind: "real", address: (yield* startRealConsul(program)).address }
  return { kind: "embedded", address: (yield* startEmbeddedConsul({ host: "127.0.0.1", port: 0 })).address }
})

const freePort = Effect.async<number>((resume) => {
  const probe = createServer()
  probe.listen(0, "127.0.0.1", () => {
    const bound = probe.address()
    const port = typeof bound === "object" && bound !== null ? bound.port : 0
    probe.close(() => resume(Effect.succeed(port)))
  })
})

const exited = (child: ChildProcess): Effect.Effect<void> =>
  Effect.async<void>((resume) => {
    if (child.exitCode !== null || child.signalCode !== null) return resume(Effect.void)
    child.once("exit", () => resume(Effect.void))
  })

/** Looks every 5 ms: what is measured is a few hundred times that. */
const until = <A, E>(what: string, look: Effect.Effect<Option.Option<A>, E>): Effect.Effect<A> =>
  Effect.gen(function* () {
    while (true) {
      const found = yield* look
      if (Option.isSome(found)) return found.value
      yield* Effect.sleep(5)
    }
  }).pipe(
    Effect.timeoutFail({ duration: "60 seconds", onTimeout: () => new Error(`it never came true that ${what}`) }),
    Effect.orDie
  )

const when = (holds: boolean): Option.Option<void> => (holds ? Option.some(undefined) : Option.none())

const measure = Effect.gen(function* () {
  const { values } = parseArgs({ options: { tries: { type: "string", default: "20" } } })
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "jobforge-failover-"))),
    (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
  )
  const program = join(folder, "jobforge.mjs")
  yield* Effect.promise(() => bundle(program))
  const { address: consulAddress, kind } = yield* startConsul
  const { address: nomadAddress } = yield* Effect.provide(
    startEmbeddedNomad({
      host: "127.0.0.1",
      port: 0,
      data: join(folder, "nomad"),
      hostVolumes: { "buildah-cache": folder }
    }),
    idleDriver
  )
  const consul = Context.get(yield* Layer.build(ConsulHttp.layerOf({ origin: consulAddress })), Consul)
  const nomad = yield* nomadClient(plainNomad(nomadAddress))

  const boot = (port: number): Effect.Effect<Replica, never, Scope.Scope> =>
    Effect.acquireRelease(
      Effect.sync(() => ({
        address: `127.0.0.1:${port}`,
        child: spawn(process.execPath, [...asInTheImage, program, "serve"], {
          env: serveEnvironment({ consul: consulAddress, nomad: nomadAddress, port }),
          stdio: ["ignore", "ignore", "inherit"]
        })
      })),
      ({ child }) =>
        Effect.zipRight(
          Effect.sync(() => child.kill("SIGKILL")),
          exited(child)
        )
    )

  const leader = Effect.map(consul.get(`${prefix}/leader`, { consistent: true }), (entry) =>
    Option.flatMap(
      Option.filter(entry, ({ session }) => session !== undefined),
      ({ value }) => decodeHolder(new TextDecoder().decode(value))
    )
  )
  const settled = until(
    "one leads and the other stands by",
    Effect.gen(function* () {
      const standing = yield* consul.healthService("jobforge-candidate", true)
      return standing.length === 2 ? yield* leader : Option.none()
    })
  )

  const one = Effect.fnUntraced(function* (replicas: ReadonlyArray<Replica>, signal: Signal, number: number) {
    const holder = yield* settled
    yield* Effect.sleep(1000)
    const victim = replicas.find(({ address }) => address === holder.address)
    if (victim === undefined) return yield* Effect.dieMessage(`nobody is ${holder.address}`)
    const known = new Set((yield* nomad.jobs("build-")).value.map(({ ID }) => ID))
    const from = performance.now()
    victim.child.kill(signal)
    yield* consul.put(`${prefix}/jobs/failover-${number}`, record(`failover-${number}`))
    const elapsed = Effect.sync(() => performance.now() - from)
    const elected = until(
      "another leads",
      Effect.map(leader, (now) => when(Option.exists(now, ({ id }) => id !== holder.id)))
    )
    const acts = until(
      "the build is registered",
      Effect.map(nomad.jobs("build-"), ({ value }) => when(value.some(({ ID }) => !known.has(ID))))
    )
    const times = yield* Effect.all(
      { elected: Effect.zipRight(elected, elapsed), acts: Effect.zipRight(acts, elapsed) },
      { concurrency: 2 }
    )
    yield* exited(victim.child)
    yield* consul.delete(`${prefix}/jobs/failover-${number}`)
    const again = yield* boot(Number(victim.address.split(":")[1]))
    const done: Try = { signal, ...times }
    const acted = isEarly(done) ? "the old leader acted" : `acts after ${done.acts.toFixed(0)} ms`
    console.log(`${signal}  elected after ${done.elected.toFixed(0)} ms, ${acted}`)
    return { done, replicas: replicas.map((replica) => (replica === victim ? again : replica)) }
  })

  let replicas: ReadonlyArray<Replica> = yield* Effect.forEach([0, 1], () => Effect.flatMap(freePort, boot))
  const tries: Array<Try> = []
  console.log(`fail-over with a ${kind} Consul, ${values.tries} tries of each kind`)
  for (let number = 0; number < 2 * Number(values.tries); number++) {
    const result = yield* one(replicas, number % 2 === 0 ? "SIGKILL" : "SIGTERM", number)
    replicas = result.replicas
    tries.push(result.done)
  }
  return tries
})

const report = (tries: ReadonlyArray<Try>, signal: Signal): boolean => {
  const own = tries.filter((one) => one.signal === signal)
  const acts = own.map((one) => one.acts)
  const elected = own.map((one) => one.elected)
  const [half, most] = [percentile(acts, 0.5), percentile(acts, 1)]
  const early = own.filter(isEarly).length
  if (early > 0) console.log(`${signal}: ${early} builds were registered by the old leader: these tries say nothing`)
  const good = early === 0 && most <= goals[signal]
  console.log(
    `${signal}: the new leader acts after ${half.toFixed(0)} ms (p50), ${most.toFixed(0)} ms (max); ` +
      `elected after ${percentile(elected, 0.5).toFixed(0)} ms (p50), ${percentile(elected, 1).toFixed(0)} ms (max); ` +
      `goal ${goals[signal]} ms: ${good ? "met" : "MISSED"}`
  )
  return good
}

const tries = await Effect.runPromise(Effect.scoped(measure))
const good = [report(tries, "SIGKILL"), report(tries, "SIGTERM")].every(Boolean)
process.exit(good ? 0 : 1)
