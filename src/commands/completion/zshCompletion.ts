import { completionCases } from "./completionCases.ts"
import type { CompletedOption, CompletionModel, Words } from "./CompletionModel.ts"

/** To be sourced after compinit, or put into a folder of `fpath` as a file of its own. */
export const zshCompletion = (model: CompletionModel): string => {
  const { commands, name, options, valued } = model
  const cases = completionCases(model).map(({ when, words }) => {
    const patterns = when.map(
      ({ at, command }) => `${quoted(`${command} ${at}`.replace(/\*$/, ""))}${at === "*" ? "[0-9]*" : ""}`
    )
    return `    (${patterns.join("|")}) ${action(words)} ;;`
  })
  return `#compdef ${name}
# zsh completion of ${name}: source <(${name} completion zsh)

_${name}() {
  local current="$words[CURRENT]" previous="$words[CURRENT-1]" word command= at=
  local -a items
  integer position=0 i

  for ((i = 2; i < CURRENT; i++)); do
    word="$words[i]"
    case "$word" in
      (${valued.map(quoted).join("|")}) i=$((i + 1)) ;;
      (-*) ;;
      (*) if [[ -z $command ]]; then command="$word"; else position=$((position + 1)); fi ;;
    esac
  done

  if [[ $current == --*=* ]]; then
    previous="\${current%%=*}"
    compset -P 1 '*='
  fi
  case "$previous" in
    (${valued.map(quoted).join("|")}) at="$previous" ;;
  esac
  if [[ -z $at && $current == -* ]]; then
    case "$command" in
${[{ name: "", options }, ...commands]
  .map((command) => `      (${quoted(command.name)}) items=(${command.options.flatMap(described).join(" ")}) ;;`)
  .join("\n")}
    esac
    _describe -o option items
    return
  fi
  if [[ -z $at && -z $command ]]; then
    items=(${commands.map((command) => entry(command.name, command.description)).join(" ")})
    _describe command items
    return
  fi

  case "$command \${at:-$position}" in
${cases.join("\n")}
  esac
}

if [[ "$funcstack[1]" == _${name} ]]; then
  _${name} "$@"
else
  compdef _${name} ${name}
fi
`
}

const action = (words: Words): string => {
  switch (words.kind) {
    case "files":
      return "_files"
    case "folders":
      return "_files -/"
    case "asked":
      return `items=(\${(f)"$(\${(Q)words[1]} __complete ${words.what} 2>/dev/null)"}); compadd -a items`
    case "values":
      return `compadd -- ${words.values.map(quoted).join(" ")}`
    case "nothing":
      return ":"
  }
}

const described = ({ description, spellings }: CompletedOption): ReadonlyArray<string> =>
  spellings.map((spelling) => entry(spelling, description))

const entry = (word: string, description: string): string => quoted(`${word}:${description}`)

const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`
