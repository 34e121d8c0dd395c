import { Argument, type Command, Option } from "commander"
import type { Run } from "./runCommand.ts"
import type { SyncOptions } from "./sync.ts"

/** The commands that work on files and on Consul, without the service. */
export const addLocalCommands = (program: Command, run: Run): void => {
  addChecking(program, run)
  addVersions(program, run)
  addSync(program, run)
  addCompletion(program, run)
}

const addChecking = (program: Command, run: Run): void => {
  program
    .command("validate")
    .description("check configurations, all faults at once, without a service; exits with 2 when one is wrong")
    .argument("<FILE...>", "files, folders with .yaml, .yml and .json files, or - for stdin")
    .option("--global <file>", "settings under each file's own, as submit-job has them")
    .addOption(new Option("-o, --output <format>", "how the findings are written").choices(["json"]))
    .action((files: ReadonlyArray<string>, options: { readonly global?: string; readonly output?: "json" }) =>
      run(async () => (await import("./validate/validate.ts")).validate({ ...options, files }))
    )

  program
    .command("explain")
    .description("what a field of a configuration means, takes, and is without you")
    .argument("[field]", "as test.vault_secrets; all of them when left out")
    .option("--recursive", "with all fields below it")
    .addOption(new Option("-o, --output <format>", "json: its JSON Schema").choices(["json"]))
    .action((field: string | undefined, options: { readonly recursive?: boolean; readonly output?: "json" }) =>
      run(async () => {
        const { explain } = await import("./explain/explain.ts")
        return explain(field === undefined ? options : { ...options, field })
      })
    )
}

const addVersions = (program: Command, run: Run): void => {
  program
    .command("version-info")
    .description("the version, and the tag, that the next submit-job counts from")
    .addOption(deployDir())
    .action((options: { readonly deployDir: string }) =>
      run(async () => (await import("./versions/versionCommands.ts")).versionInfo(options))
    )

  const steps = [
    ["version-major", "versionMajor"],
    ["version-minor", "versionMinor"]
  ] as const
  for (const [name, command] of steps) {
    program
      .command(name)
      .description(`set the ${name.replace("version-", "")} version; what is below it begins at 0`)
      .argument("<number>", "a whole number, 0 or more")
      .allowUnknownOption()
      .addOption(deployDir())
      .action((number: string, options: { readonly deployDir: string }) =>
        run(async () => (await import("./versions/versionCommands.ts"))[command]({ ...options, number }))
      )
  }
}

const addSync = (program: Command, run: Run): void => {
  program
    .command("sync")
    .description("make the records in Consul those of a folder of YAML and JSON files, as GitOps does")
    .argument("<dir>", "its files' paths are the records' names")
    .option("--prefix <prefix>", "what the records' names begin with")
    .option("--manager <name>", "who manages these records; sync when left out")
    .option("--dry-run", "show what would change, and change nothing")
    .option("--exit-code", "with --dry-run: exit with 1 when something would change")
    .option("--prune", "delete the records that this manager wrote and the folder no longer has")
    .option("--allow-empty", "prune even when the folder has no record at all")
    .option("--adopt", "take over records of these names that somebody else wrote")
    .option("-w, --watch", "follow the folder, and put right what others change")
    .addOption(new Option("-o, --output <format>", "how the changes are told").choices(["text", "json"]))
    .action((directory: string, options: SyncOptions) =>
      run(async () => (await import("./sync.ts")).sync(directory, options))
    )
}

const addCompletion = (program: Command, run: Run): void => {
  program
    .command("completion")
    .description("what a shell needs to complete jobforge's commands")
    .addArgument(new Argument("<shell>").choices(["bash", "zsh", "fish"]))
    .action((shell: string) => run(async () => (await import("./completion/completion.ts")).completion(program, shell)))

  program
    .command("__complete", { hidden: true })
    .argument("<kind>")
    .option("-u, --url <url>")
    .option("--token-file <file>")
    .action((kind: string, _: unknown, command: Command) =>
      run(async () => {
        const [{ complete }, { connect }] = await Promise.all([
          import("./completion/complete.ts"),
          import("./connect.ts")
        ])
        return complete(kind, connect(command.optsWithGlobals()))
      })
    )
}

const deployDir = (): Option => new Option("--deploy-dir <folder>", "where version.yaml is").default("./deploy")
