import { Command } from "commander"
import { addLocalCommands } from "./addLocalCommands.ts"
import { addServiceCommands } from "./addCommands.ts"
import { exitCodes } from "./CommandError.ts"
import { type FlagTable, fromGoFlags } from "./goFlags.ts"
import { helpFor, programHelp } from "./help/helpFor.ts"
import type { Run } from "./runCommand.ts"

export interface Program {
  /** With the commands of the caller's; the processes that serve are added by whoever runs them. */
  readonly program: Command
  /** Without any argument it shows what there is. */
  readonly parse: (argv: ReadonlyArray<string>) => Promise<void>
}

export const makeProgram = (version: string, run: Run): Program => {
  const program = new Command("jobforge")
    .description("Turns records in Consul KV into tested, published container images, by way of Nomad.")
    .version(version, "--version", "print the version")
    // Also before the command, as scripts have it.
    .option("-u, --url <url>", "the service, for all commands that talk to one")
    .option("--token-file <file>", "holds the token, where the service asks for one")
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, "Error: ")) })
    .showHelpAfterError(`See: jobforge help`)
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : exitCodes.usage))
    .addHelpText("after", programHelp)
  addServiceCommands(program, run)
  addLocalCommands(program, run)
  return {
    program,
    parse: async (argv) => {
      for (const command of program.commands) {
        command
          .addHelpText("after", () => helpFor(command.name()))
          .showHelpAfterError(`See: jobforge help ${command.name()}`)
      }
      if (argv.length === 0) return program.outputHelp()
      await program.parseAsync([...fromGoFlags(argv, flagTable(program))], { from: "user" })
    }
  }
}

const flagTable = (program: Command): FlagTable => {
  const options = [program, ...program.commands].flatMap((command) => command.options)
  const valued = options.filter((option) => option.required || option.optional)
  const spellings = valued
    .flatMap(({ long, short }) => [long, short])
    .filter((spelling) => typeof spelling === "string")
  const switches = options.filter((option) => option.isBoolean() && option.long !== undefined && option.long !== null)
  return {
    switches: new Set(switches.map((option) => (option.long ?? "").replace(/^--/, ""))),
    valued: new Set(spellings)
  }
}
