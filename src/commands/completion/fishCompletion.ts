import type { CompletedOption, CompletionModel, Words } from "./CompletionModel.ts"

/** For `~/.config/fish/completions/`, or to be sourced. */
export const fishCompletion = ({ commands, name, options, valued }: CompletionModel): string => {
  const noCommand = quoted(`not __${name}_command >/dev/null`)
  const using = (command: string): string => `string match -q -- ${command} (__${name}_command)`
  return `# fish completion of ${name}: ${name} completion fish > ~/.config/fish/completions/${name}.fish

# The words of the command line that are no options and no values of options.
function __${name}_positionals
    set -l skip 0
    for token in (commandline -opc)[2..]
        if test $skip = 1
            set skip 0
            continue
        end
        switch $token
            case ${valued.map(quoted).join(" ")}
                set skip 1
            case '-*'
            case '*'
                echo $token
        end
    end
end

function __${name}_command
    set -l words (__${name}_positionals)
    set -q words[1]; and echo $words[1]
end

function __${name}_at -a command position
    set -l words (__${name}_positionals)
    set -q words[1]; and test "$words[1]" = $command; and test (count $words) -eq (math $position + 1)
end

complete -c ${name} -f
${commands
  .map((command) => `complete -c ${name} -n ${noCommand} -a ${quoted(command.name)} -d ${quoted(command.description)}`)
  .join("\n")}
${options.map((option) => completed(name, noCommand, option)).join("\n")}
${commands
  .flatMap((command) => [
    ...command.options.map((option) => completed(name, quoted(using(command.name)), option)),
    ...command.arguments.flatMap(({ isRepeated, words }, position) => {
      const when = isRepeated ? using(command.name) : `__${name}_at ${command.name} ${position}`
      const candidates = candidatesOf(name, words)
      return candidates === "" ? [] : [`complete -c ${name} -n ${quoted(when)} ${candidates}`]
    })
  ])
  .join("\n")}
`
}

const completed = (name: string, when: string, { description, spellings, value }: CompletedOption): string => {
  const flags = spellings.map((spelling) =>
    spelling.startsWith("--") ? `-l ${spelling.slice(2)}` : `-s ${spelling.slice(1)}`
  )
  // Without -x fish offers files besides.
  const taken =
    value === undefined ? "" : ` ${value.kind === "files" ? "-r" : "-x"} ${candidatesOf(name, value)}`.trimEnd()
  return `complete -c ${name} -n ${when} ${flags.join(" ")}${taken} -d ${quoted(description)}`
}

const candidatesOf = (name: string, words: Words): string => {
  switch (words.kind) {
    case "files":
      return "-F"
    case "folders":
      return `-a '(__fish_complete_directories (commandline -ct))'`
    case "asked":
      return `-a '(${name} __complete ${words.what} 2>/dev/null)'`
    case "values":
      return `-a ${quoted(words.values.join(" "))}`
    case "nothing":
      return ""
  }
}

const quoted = (text: string): string => `'${text.replaceAll("\\", "\\\\").replaceAll("'", String.raw`\'`)}'`
