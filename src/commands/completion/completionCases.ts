import type { CompletionModel, Words } from "./CompletionModel.ts"

/** One way to complete, and when: `<command> <option>` or `<command> <position>`, the position from 0 or `*`. */
export interface CompletionCase {
  readonly words: Exclude<Words, { readonly kind: "nothing" }>
  readonly when: ReadonlyArray<{ readonly command: string; readonly at: string }>
}

/** The same for commands whose words are alike, so that a script stays short. The program itself is the command "". */
export const completionCases = (model: CompletionModel): ReadonlyArray<CompletionCase> => {
  const cases = new Map<string, CompletionCase>()
  const add = (words: Words | undefined, command: string, at: string): void => {
    if (words === undefined || words.kind === "nothing") return
    const key = JSON.stringify(words)
    cases.set(key, { words, when: [...(cases.get(key)?.when ?? []), { command, at }] })
  }
  for (const { name, options } of [{ name: "", options: model.options }, ...model.commands]) {
    for (const { spellings, value } of options) spellings.forEach((spelling) => add(value, name, spelling))
  }
  for (const command of model.commands) {
    command.arguments.forEach(({ isRepeated, words }, position) =>
      add(words, command.name, isRepeated ? "*" : String(position))
    )
  }
  return [...cases.values()]
}
