import type { Rule } from "../Rule.ts"
import { compilerRules } from "./compilerRules.ts"
import { configurationRules } from "./configurationRules.ts"
import { instructionRules } from "./instructionRules.ts"
import { machineRules } from "./machineRules.ts"
import { networkRules } from "./networkRules.ts"
import { nodeRules } from "./nodeRules.ts"
import { pythonRules } from "./pythonRules.ts"
import { scriptLanguageRules } from "./scriptLanguageRules.ts"
import { shellRules } from "./shellRules.ts"
import { systemPackageRules } from "./systemPackageRules.ts"
import { testRules } from "./testRules.ts"

/** Of rules with the same rank, the one that stands first here speaks for a line. */
export const allRules: ReadonlyArray<Rule> = [
  ...instructionRules,
  ...configurationRules,
  ...networkRules,
  ...machineRules,
  ...systemPackageRules,
  ...nodeRules,
  ...pythonRules,
  ...compilerRules,
  ...scriptLanguageRules,
  ...testRules,
  ...shellRules
]
