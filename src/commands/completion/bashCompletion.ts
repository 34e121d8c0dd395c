import { completionCases } from "./completionCases.ts"
import type { CompletedOption, CompletionModel, Words } from "./CompletionModel.ts"

/** For bash 3.2, macOS's, and later; needs no bash-completion. */
export const bashCompletion = (model: CompletionModel): string => {
  const { commands, name, options, valued } = model
  const cases = completionCases(model).map(({ when, words }) => {
    const patterns = when.map(
      ({ at, command }) => `${quoted(`${command} ${at}`.replace(/\*$/, ""))}${at === "*" ? "[0-9]*" : ""}`
    )
    return `    ${patterns.join("|")}) ${action(words)} ;;`
  })
  return `# bash completion of ${name}: source <(${name} completion bash)

_${name}_reply() {
  local line
  while IFS= read -r line; do
    [[ -n $line ]] && COMPREPLY+=("$prefix$line")
  done
}

_${name}() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" prefix=
  local word command= at= position=0 i
  COMPREPLY=()

  # An "=" is a word of its own, unless somebody took it out of COMP_WORDBREAKS.
  if [[ $current == "=" ]]; then
    current=
  elif [[ $previous == "=" ]]; then
    previous="\${COMP_WORDS[COMP_CWORD-2]}"
  elif [[ $current == --*=* ]]; then
    prefix="\${current%%=*}="
    previous="\${current%%=*}"
    current="\${current#*=}"
  fi

  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    case "$word" in
      ${valued.map(quoted).join("|")})
        i=$((i + 1))
        [[ \${COMP_WORDS[i]} == "=" ]] && i=$((i + 1))
        ;;
      -*|=) ;;
      *) if [[ -z $command ]]; then command="$word"; else position=$((position + 1)); fi ;;
    esac
  done

  case "$previous" in
    ${valued.map(quoted).join("|")}) at="$previous" ;;
  esac
  if [[ -z $at && $current == -* ]]; then
    case "$command" in
${[{ name: "", options }, ...commands]
  .map((command) => `      ${quoted(command.name)}) word=${quoted(spellingsOf(command.options).join(" "))} ;;`)
  .join("\n")}
      *) word= ;;
    esac
    _${name}_reply < <(compgen -W "$word" -- "$current")
    return 0
  fi
  if [[ -z $at && -z $command ]]; then
    _${name}_reply < <(compgen -W ${quoted(commands.map((command) => command.name).join(" "))} -- "$current")
    return 0
  fi

  case "$command \${at:-$position}" in
${cases.join("\n")}
  esac
  return 0
}

complete -F _${name} ${name}
`

  function action(words: Words): string {
    switch (words.kind) {
      case "files":
        return `compopt -o filenames 2>/dev/null; _${name}_reply < <(compgen -f -- "$current")`
      case "folders":
        return `compopt -o filenames 2>/dev/null; _${name}_reply < <(compgen -d -- "$current")`
      case "asked":
        return `_${name}_reply < <(compgen -W "$("\${COMP_WORDS[0]}" __complete ${words.what} 2>/dev/null)" -- "$current")`
      case "values":
        return `_${name}_reply < <(compgen -W ${quoted(words.values.join(" "))} -- "$current")`
      case "nothing":
        return ":"
    }
  }
}

const spellingsOf = (options: ReadonlyArray<CompletedOption>): ReadonlyArray<string> =>
  options.flatMap(({ spellings }) => spellings)

const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`
