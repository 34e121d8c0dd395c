import { Effect, Option, Schema, Stream } from "effect"
import { Consul } from "../../src/consul/Consul.ts"
import { type Attempt, isTerminal, Status } from "../../src/domain/Status.ts"
import { Nomad } from "../../src/nomad/Nomad.ts"

type Say = (line: string) => void

/** Shows a job's phases and the lines that its steps write, as they come, until it is at rest. */
export const followJob = Effect.fn("followJob")(function* (name: string, say: Say) {
  const consul = yield* Consul
  const printers = new Map<string, LogPrinter>()
  let latest = Option.none<Status>()
  let phase = ""

  const show = (status: Status) =>
    Effect.gen(function* () {
      latest = Option.some(status)
      for (const attempt of status.attempts) yield* printAttempt(attempt, printers, say)
      if (status.status === phase) return
      phase = status.status
      say(`── ${phase}${status.error === undefined ? "" : `: ${status.error}`}`)
    })

  const statuses = consul.watchKey(`jobforge-service/status/${name}`).pipe(
    Stream.filterMap(({ value }) => Option.flatMap(value, (entry) => decode(new TextDecoder().decode(entry.value)))),
    Stream.tap(show),
    Stream.takeUntil(atRest),
    Stream.runDrain
  )
  const lines = Effect.forever(
    Effect.zipRight(
      Effect.sleep("200 millis"),
      Effect.suspend(() => Option.match(latest, { onNone: () => Effect.void, onSome: show }))
    )
  )
  yield* Effect.raceFirst(statuses, lines)
  return Option.getOrThrow(latest)
})

const decode = Schema.decodeUnknownOption(Schema.parseJson(Status))

const atRest = (status: Status): boolean =>
  isTerminal(status.status) && status.attempts.every(({ outcome }) => outcome !== undefined)

interface LogPrinter {
  offset: number
  rest: string
  done: boolean
}

const printAttempt = Effect.fnUntraced(function* (attempt: Attempt, printers: Map<string, LogPrinter>, say: Say) {
  const { nomad_job_id: id, allocation_id: allocation, phase, outcome } = attempt
  if (allocation === undefined || phase === "cleanup") return
  for (const stream of ["stdout", "stderr"] as const) {
    const printer = printers.get(`${id} ${stream}`) ?? { offset: 0, rest: "", done: false }
    printers.set(`${id} ${stream}`, printer)
    if (printer.done) continue
    yield* printNew(allocation, stream, printer, (line) => say(`   ${label(attempt)} │ ${line}`))
    printer.done = outcome !== undefined
  }
})

const label = ({ phase, test }: Attempt): string =>
  test === undefined ? phase : test.kind === "command" ? `test ${test.index}` : "test entry point"

const printNew = Effect.fnUntraced(function* (
  allocation: string,
  stream: "stdout" | "stderr",
  printer: LogPrinter,
  print: Say
) {
  const nomad = yield* Nomad
  const content = yield* Effect.orElseSucceed(
    nomad.logs(allocation, "main", stream, { offset: printer.offset }),
    () => new Uint8Array()
  )
  printer.offset += content.length
  const lines = (printer.rest + new TextDecoder().decode(content)).split("\n")
  printer.rest = lines.pop() ?? ""
  for (const line of lines) if (line.trim() !== "") print(line)
})
