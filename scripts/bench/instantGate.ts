import { createHash } from "node:crypto"
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { buffer } from "node:stream/consumers"
import { Effect, Schema, type Scope } from "effect"
import { type QuickDriver, quickestDriver } from "./quickestDriver.ts"

/**
 * A Nomad for whoever asks here, in which every step is one that ends at once: what is registered prints nothing, and leaves
 * what a build or a publish would have reported. Everything else is Nomad's own.
 */
export const instantGate = (nomad: string): Effect.Effect<string, never, Scope.Scope> =>
  Effect.flatMap(
    Effect.promise(() => quickestDriver(nomad)),
    (driver) => gate(nomad, driver)
  )

const gate = (nomad: string, driver: QuickDriver): Effect.Effect<string, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.async<{ readonly port: number; readonly close: () => void }>((resume) => {
        const agent = new Agent({ keepAlive: true })
        const server = createServer((asked, answer) => void pass(new URL(nomad), driver, agent, asked, answer))
        server.listen(0, "127.0.0.1", () => {
          const address: AddressInfo | string | null = server.address()
          const port = typeof address === "object" ? (address?.port ?? 0) : 0
          resume(
            Effect.succeed({
              port,
              close: () => {
                server.close().closeAllConnections()
                agent.destroy()
              }
            })
          )
        })
      }),
      ({ close }) => Effect.sync(close)
    ),
    ({ port }) => `http://127.0.0.1:${port}`
  )

const pass = async (
  nomad: URL,
  driver: QuickDriver,
  agent: Agent,
  asked: IncomingMessage,
  answer: ServerResponse
): Promise<void> => {
  const body = asked.method === "GET" ? undefined : await buffer(asked)
  const sent = body === undefined || asked.url?.startsWith("/v1/jobs") !== true ? body : instant(driver, body)
  const { "content-length": _length, "transfer-encoding": _encoding, ...headers } = asked.headers
  const onward = request(
    {
      agent,
      host: nomad.hostname,
      port: nomad.port,
      path: asked.url,
      method: asked.method,
      headers: { ...headers, ...(sent === undefined ? {} : { "content-length": sent.length }) }
    },
    (told) => {
      answer.writeHead(told.statusCode ?? 502, told.headers)
      told.pipe(answer)
    }
  )
  onward.on("error", () => answer.destroy())
  // Whoever leaves an event stream leaves Nomad's too.
  answer.once("close", () => onward.destroy())
  onward.end(sent)
}

/** What of a registration is looked at. */
const Registered = Schema.Struct({
  Job: Schema.Struct(
    {
      ID: Schema.String,
      Meta: Schema.Record({ key: Schema.String, value: Schema.String }),
      TaskGroups: Schema.Tuple(
        Schema.Struct(
          {
            Tasks: Schema.Tuple(
              Schema.Struct({
                Env: Schema.optional(Schema.Record({ key: Schema.String, value: Schema.String })),
                Config: Schema.Struct({ entrypoint: Schema.optional(Schema.Array(Schema.String)) }),
                KillTimeout: Schema.Number
              })
            )
          },
          Schema.Record({ key: Schema.String, value: Schema.Unknown })
        )
      )
    },
    Schema.Record({ key: Schema.String, value: Schema.Unknown })
  )
}).annotations({ parseOptions: { onExcessProperty: "preserve" } })

const decode = Schema.decodeUnknownSync(Schema.parseJson(Registered))
const encode = Schema.encodeSync(Schema.parseJson(Schema.Unknown))

const instant = (driver: QuickDriver, body: Buffer): Buffer => {
  const registered = decode(body.toString())
  const { Job } = registered
  const [group] = Job.TaskGroups
  const [task] = group.Tasks
  return Buffer.from(
    encode({
      ...registered,
      Job: {
        ...Job,
        TaskGroups: [
          {
            ...group,
            Volumes: {},
            Constraints: [],
            EphemeralDisk: { SizeMB: 10 },
            Tasks: [instantTask(driver, reportOf(Job.ID, Job.Meta["phase"] ?? "", task), task.KillTimeout)]
          }
        ]
      }
    })
  )
}

/**
 * A task of the least that Nomad can run, on its node's quickest driver.
 *
 * The driver that ends at once runs nothing that could write a report: Nomad's templates do.
 */
export const instantTask = (driver: QuickDriver, report: string | undefined, KillTimeout: number) => ({
  Name: "main",
  Driver: driver,
  ...(driver === "mock_driver" ? mocked(report) : shell(report)),
  KillTimeout,
  LogConfig: { MaxFiles: 1, MaxFileSizeMB: 1 },
  Resources: { CPU: 1, MemoryMB: 10 }
})

const mocked = (report: string | undefined) => ({
  Config: { run_for: "0s" },
  ...(report === undefined
    ? {}
    : {
        Templates: [{ EmbeddedTmpl: report, DestPath: "${NOMAD_ALLOC_DIR}/result.json", ChangeMode: "noop" }]
      })
})

const shell = (report: string | undefined) => ({
  Config: {
    command: "/bin/sh",
    args: report === undefined ? ["-c", ":"] : ["-c", `printf %s "$1" > "$NOMAD_ALLOC_DIR/result.json"`, "sh", report]
  }
})

type Task = (typeof Registered.Type)["Job"]["TaskGroups"][0]["Tasks"][0]

const reportOf = (id: string, phase: string, { Config, Env }: Task): string | undefined => {
  // What stands behind `sh -c <script> jobforge`.
  const images = (Config.entrypoint ?? []).slice(4)
  const digest = `sha256:${createHash("sha256").update(id).digest("hex")}`
  if (phase === "build") return encode({ digest, commit: "c".repeat(40), images })
  return phase === "publish" ? encode({ digest: Env?.["JOBFORGE_DIGEST"] ?? "", images }) : undefined
}
