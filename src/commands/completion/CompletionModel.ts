import type { Argument, Command, Option } from "commander"
import { JobPhase, JobStatus } from "../../domain/Status.ts"

/** What a word can be completed with. */
export type Words =
  | { readonly kind: "values"; readonly values: ReadonlyArray<string> }
  | { readonly kind: "files" }
  | { readonly kind: "folders" }
  /** What `jobforge __complete` answers at that moment. */
  | { readonly kind: "asked"; readonly what: "job-ids" | "fields" }
  | { readonly kind: "nothing" }

export interface CompletedOption {
  /** `-w`, `--watch`. */
  readonly spellings: ReadonlyArray<string>
  readonly description: string
  /** Undefined for a switch. */
  readonly value: Words | undefined
}

export interface CompletedCommand {
  readonly name: string
  readonly description: string
  readonly options: ReadonlyArray<CompletedOption>
  /** The last one stands for all that follow if it takes several. */
  readonly arguments: ReadonlyArray<{ readonly words: Words; readonly isRepeated: boolean }>
}

export interface CompletionModel {
  readonly name: string
  readonly options: ReadonlyArray<CompletedOption>
  readonly commands: ReadonlyArray<CompletedCommand>
  /** All spellings behind which a value follows. No spelling takes one in one command and none in another. */
  readonly valued: ReadonlyArray<string>
}

/** Everything that the help shows, and nothing that it hides. */
export const completionModel = (program: Command): CompletionModel => {
  const help = program.createHelp()
  const visible = help.visibleCommands(program)
  const names = visible.map((command) => command.name())
  const optionsOf = (command: Command) => help.visibleOptions(command).map(completedOption)
  const commands = visible.map((command) => ({
    name: command.name(),
    description: command.description(),
    options: optionsOf(command),
    arguments: command.registeredArguments.map((argument) => ({
      words: argument.name() === "command" ? values(names) : wordsOf(argument.argChoices, argument.name()),
      isRepeated: argument.variadic
    }))
  }))
  const options = optionsOf(program)
  const all = [...options, ...commands.flatMap((command) => command.options)]
  const valued = all.filter(({ value }) => value !== undefined).flatMap(({ spellings }) => spellings)
  return { name: program.name(), options, commands, valued: [...new Set(valued)] }
}

const completedOption = (option: Option): CompletedOption => ({
  spellings: [option.short, option.long].filter((spelling) => typeof spelling === "string"),
  description: option.description,
  value:
    option.required || option.optional
      ? wordsOf(option.argChoices, /[<[]([^>\].]+)/.exec(option.flags)?.[1] ?? "")
      : undefined
})

/** Choices if the tree has them; otherwise it is the placeholder that says what is meant. */
const wordsOf = (choices: Argument["argChoices"], placeholder: string): Words =>
  choices === undefined ? (placeholders[placeholder.toLowerCase()] ?? { kind: "nothing" }) : values(choices)

const values = (given: ReadonlyArray<string>): Words => ({ kind: "values", values: given })

const jobIds: Words = { kind: "asked", what: "job-ids" }

const placeholders: Readonly<Record<string, Words>> = {
  file: { kind: "files" },
  config: { kind: "files" },
  folder: { kind: "folders" },
  dir: { kind: "folders" },
  id: jobIds,
  job: jobIds,
  field: { kind: "asked", what: "fields" },
  phase: values(JobPhase.literals),
  status: values(JobStatus.literals),
  statuses: values(JobStatus.literals)
}
