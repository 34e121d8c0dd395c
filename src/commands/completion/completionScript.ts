import type { Command } from "commander"
import { bashCompletion } from "./bashCompletion.ts"
import { completionModel } from "./CompletionModel.ts"
import { fishCompletion } from "./fishCompletion.ts"
import { zshCompletion } from "./zshCompletion.ts"

export const shells = ["bash", "zsh", "fish"] as const
export type Shell = (typeof shells)[number]

const writers = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion }

/** What a shell has to read to complete this program's commands. It is made of the tree that parses them. */
export const completionScript = (program: Command, shell: Shell): string => writers[shell](completionModel(program))
