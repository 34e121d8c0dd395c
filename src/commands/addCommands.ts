import { type Command, InvalidArgumentError, Option } from "commander"
import type { ListOptions } from "./listJobs.ts"
import type { FollowOptions, LogOptions } from "./logs.ts"
import type { Run } from "./runCommand.ts"
import type { SubmitOptions } from "./submitJob.ts"

/** The commands that need a service. Each is loaded when it is asked for. */
export const addServiceCommands = (program: Command, run: Run): void => {
  addSubmission(program, run)
  addReading(program, run)
  addLogs(program, run)
  addActing(program, run)
  addLists(program, run)
}

const addSubmission = (program: Command, run: Run): void => {
  connected(program.command("submit-job"))
    .description("submit a job: a YAML or JSON file, the text itself, or stdin")
    .argument("[config]", "a file, or the configuration itself; stdin when left out")
    .option("--global <file>", "settings under the job's own: what both have, the job's own file decides")
    .addOption(new Option("--config <file>", "the same as the argument").hideHelp())
    .option("--image-tags <tags>", "more tags, parted by commas")
    .option("-w, --watch", "follow the job to its end; exits with 1 when it fails, 3 when it is cancelled")
    .option("--history", "keep a local record under deploy_dir")
    .option("--no-version", "no automatic version tag, and no step of deploy/version.yaml")
    .option("--idempotency-key <key>", "a repeated command with the same key makes no second job")
    .addOption(output("json"))
    .action((config: string | undefined, options: SubmitOptions & { readonly config?: string }, command: Command) =>
      run(async () => {
        const { submitJob } = await import("./submitJob.ts")
        return submitJob(config ?? options.config, command.optsWithGlobals<typeof options>())
      })
    )
}

const addReading = (program: Command, run: Run): void => {
  connected(program.command("get-status"))
    .description("all that is known of a job")
    .argument("<id>", jobArgument)
    .addOption(output("json"))
    .action((id: string, _: unknown, command: Command) =>
      run(async () => (await import("./getStatus.ts")).getStatus(id, command.optsWithGlobals()))
    )

  connected(program.command("watch"))
    .description("follow a job to its end; exits as submit-job --watch does")
    .argument("<id>", jobArgument)
    .action((id: string, _: unknown, command: Command) =>
      run(async () => (await import("./watch.ts")).watch(id, command.optsWithGlobals()))
    )

  connected(program.command("wait"))
    .description("wait until a job has got somewhere, and say nothing before")
    .argument("<id>", jobArgument)
    .option("--for <condition>", "succeeded, ended, status=STATUS, phase=PHASE, condition=TYPE[=STATUS]", "succeeded")
    .option("--timeout <duration>", "as 90s, 30m or 1h30m; no limit when left out")
    .addOption(output("json"))
    .action((id: string, _: unknown, command: Command) =>
      run(async () => (await import("./waitFor.ts")).waitFor(id, command.optsWithGlobals()))
    )

  connected(program.command("diagnose"))
    .description("why a job failed, and what to do now")
    .argument("<id>", jobArgument)
    .addOption(output())
    .action((id: string, _: unknown, command: Command) =>
      run(async () => (await import("./diagnose.ts")).diagnose(id, command.optsWithGlobals()))
    )

  connected(program.command("events"))
    .description("what the controller noted about a job")
    .argument("<id>", jobArgument)
    .option("-f, --follow", "its transitions as they come, until it is over")
    .addOption(output("table"))
    .action((id: string, _: unknown, command: Command) =>
      run(async () => (await import("./events.ts")).events(id, command.optsWithGlobals()))
    )

  connected(program.command("health"))
    .description("whether the service and what it stands on answer; exits with 1 when not")
    .addOption(output())
    .action((_: unknown, command: Command) =>
      run(async () => (await import("./health.ts")).health(command.optsWithGlobals()))
    )
}

const addLogs = (program: Command, run: Run): void => {
  filtered(program.command("get-logs"))
    .description("a job's logs by phase, as the service answers")
    .argument("<id>", jobArgument)
    .argument("[phase]", "build, test or publish", phaseOf)
    .addOption(output("json"))
    .action((id: string, phase: string | undefined, _: unknown, command: Command) =>
      run(async () => {
        const { getLogs } = await import("./logs.ts")
        return getLogs(id, withPhase(phase, command.optsWithGlobals<LogOptions & { readonly output: "json" }>()))
      })
    )

  filtered(program.command("logs"))
    .description("a job's log lines alone")
    .argument("<id>", jobArgument)
    .argument("[phase]", "build, test or publish", phaseOf)
    .option("-f, --follow", "as they come, until the job is over", false)
    .action((id: string, phase: string | undefined, _: unknown, command: Command) =>
      run(async () => {
        const { logs } = await import("./logs.ts")
        return logs(id, withPhase(phase, command.optsWithGlobals<FollowOptions>()))
      })
    )
}

const addActing = (program: Command, run: Run): void => {
  const verbs = [
    ["kill-job", "end a job", "killJob"],
    ["retry", "build an ended job's unchanged configuration once more", "retryJob"],
    ["purge", "make Nomad forget an ended job's steps", "purgeJob"],
    ["cleanup", "end what of a job is under way, and remove its temporary image", "cleanup"]
  ] as const
  for (const [name, description, verb] of verbs) {
    connected(program.command(name))
      .description(description)
      .argument("<id>", jobArgument)
      .addOption(output("json"))
      .action((id: string, _: unknown, command: Command) =>
        run(async () => (await import("./actOnJob.ts"))[verb](id, command.optsWithGlobals()))
      )
  }
}

const addLists = (program: Command, run: Run): void => {
  listed(program.command("get-history"))
    .description("jobs, newest first, as the service answers")
    .argument("[limit]", "how many", whole, 10)
    .argument("[offset]", "how many newer ones are left out", whole, 0)
    .addOption(output("json"))
    .action((limit: number, offset: number, _: unknown, command: Command) =>
      run(async () => {
        const { listJobs } = await import("./listJobs.ts")
        return listJobs({ ...command.optsWithGlobals<ListOptions>(), limit, offset })
      })
    )

  listed(program.command("list"))
    .description("jobs, newest first")
    .option("-n, --limit <number>", "how many", whole, 20)
    .option("--offset <number>", "how many newer ones are left out", whole, 0)
    .option("-w, --watch", "go on showing them")
    .addOption(output("table"))
    .action((_: unknown, command: Command) =>
      run(async () => {
        const options = command.optsWithGlobals<ListOptions & { readonly watch?: boolean }>()
        return options.watch === true
          ? (await import("./watchList.ts")).watchList(options)
          : (await import("./listJobs.ts")).listJobs(options)
      })
    )
}

const jobArgument = "the job's id, or its record's name"

/** Accepted before the command, too. */
const connected = (command: Command): Command =>
  command
    .option("-u, --url <url>", "the service; JOB_SERVICE_URL, Consul's catalog or http://localhost:8080 when left out")
    .option("--token-file <file>", "holds the token, where the service asks for one; or JOB_SERVICE_TOKEN")

const listed = (command: Command): Command =>
  connected(command)
    .option("--owner <owner>", "only this owner's")
    .addOption(
      new Option("--status <statuses>", "only these, parted by commas").argParser((text) =>
        text.split(",").map((status) => status.trim().toUpperCase())
      )
    )

const filtered = (command: Command): Command =>
  connected(command)
    .addOption(new Option("--phase <phase>", "only this phase").argParser(phaseOf))
    .option("--attempt <number>", "the number of an attempt, or last")
    .option("--test <test>", "the position of a test's command, or entry-point")
    .addOption(new Option("--stream <stream>", "only this stream").choices(["stdout", "stderr"]))
    .option("--tail <number>", "so many last lines of each phase")
    .option("--head <number>", "so many first lines of each phase")
    .option("--grep <text>", "only lines that have this text in them")
    .option("--since <time>", "only attempts that ran at this time or later: 2026-01-31T09:30:00Z, or 10m")

const output = (fallback?: "json" | "table"): Option => {
  const option = new Option("-o, --output <format>", "how the answer is written").choices([
    "json",
    "yaml",
    "table",
    "name"
  ])
  return fallback === undefined ? option : option.default(fallback)
}

const whole = (text: string): number => {
  if (/^[0-9]{1,9}$/.test(text)) return Number(text)
  throw new InvalidArgumentError("it must be a whole number, 0 or more")
}

const phaseOf = (text: string): string => {
  if (/^(?:build|test|publish)$/.test(text)) return text
  throw new InvalidArgumentError(`invalid phase: ${text} (must be build, test, or publish)`)
}

/** The option wins over the argument. */
const withPhase = <A extends LogOptions>(phase: string | undefined, options: A): A =>
  phase === undefined || options.phase !== undefined ? options : { ...options, phase }
