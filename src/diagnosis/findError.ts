import type { Cause } from "./Cause.ts"
import { announcedLast } from "./failedStep.ts"
import type { LogLine, LogText } from "./readLog.ts"
import { rank, type Rule } from "./Rule.ts"
import { allRules } from "./rules/allRules.ts"
import type { Scene } from "./Scene.ts"

/** A line of the output, and what it tells. */
export interface Finding {
  readonly line: LogLine
  /** Missing when nothing is known of such a line but that it is the likeliest. */
  readonly rule?: Rule
  readonly found: (group: string) => string
}

/**
 * The line that tells most of why the output ends in failure.
 *
 * The highest rank that any line has decides. Of several such lines it is the first: what follows follows from it. In a
 * build, where stderr doesn't say which instruction a line belongs to, it is the first of the last group of them.
 */
export const findError = (scene: Scene, logs: ReadonlyArray<LogText>): Finding | undefined => {
  const regions = regionsOf(scene, logs)
  const known = best(scene, regions)
  return known ?? vague(regions) ?? lastWords(regions)
}

/** The likeliest line among those that speak of this cause, for a cause that is known already. */
export const findErrorOf = (cause: Cause, scene: Scene, logs: ReadonlyArray<LogText>): Finding | undefined => {
  const regions = regionsOf(scene, logs)
  const rules = allRules.filter((rule) => rule.cause === cause || akin[cause]?.includes(rule.cause) === true)
  return best(scene, regions, rules) ?? vague(regions) ?? scriptsWord(logs)
}

/** What a step's script calls by one name, programs call by several. */
const akin: { readonly [cause in Cause]?: ReadonlyArray<Cause> } = {
  "base-image-missing": ["package-missing"],
  "base-image-unreachable": ["name-resolution", "network-unreachable", "tls-verification"],
  "git-authentication": ["permission-denied"],
  "git-submodule": [
    "git-authentication",
    "git-ref-missing",
    "git-repository-missing",
    "name-resolution",
    "network-unreachable",
    "tls-verification"
  ],
  "git-unreachable": ["name-resolution", "network-unreachable", "tls-verification"],
  "push-failed": ["disk-full", "name-resolution", "network-unreachable", "tls-verification"],
  "registry-authentication": ["permission-denied"],
  "registry-unreachable": ["name-resolution", "network-unreachable", "tls-verification"]
}

interface Region {
  readonly lines: ReadonlyArray<LogLine>
  /** It may hold more than what failed. */
  readonly loose: boolean
}

const regionsOf = (scene: Scene, logs: ReadonlyArray<LogText>): ReadonlyArray<Region> => {
  const build = scene.phase === "build"
  const from = build ? (announcedLast(logs)?.at ?? -1) + 1 : 0
  return ["stderr", "stdout"].flatMap((stream) => {
    const log = logs.find((each) => each.stream === stream)
    if (log === undefined) return []
    const lines = build && stream === "stdout" ? log.lines.slice(from) : log.lines
    return [{ lines: lines.filter(({ text }) => !isWrapper(text)), loose: build && stream === "stderr" }]
  })
}

/** Lines that only pass a failure on, or repeat a command. */
const isWrapper = (text: string): boolean => wrappers.test(text)

const wrappers =
  /^error: building at STEP "RUN .*": (?:(?:while running runtime|while executing): )?exit status \d+$|^(?:error|ERRO\[\d*\]):? ?(?:exit status \d+|while running runtime: exit status \d+)$|^(?:\[\d+\/\d+\] )?STEP \d+(?:\/\d+)?: |^jobforge: |^(?:\+{1,4}|>) \S|^npm (?:error|ERR!) (?:A complete log|\s+\/\S{1,200}\.log|Lifecycle script|workspace |location |command (?:failed|sh )|For a full report|Log files were)|^npm (?:notice|warn|WARN)|^exit status \d+$|\bthrow new [A-Z]\w{0,60}\(|^\s*throw \w+;|^\s*raise \w|^subprocess exited with|^Process exited with|^error Command failed with exit code|^ ?ELIFECYCLE|^note: This (?:error originates|is an issue)|^hint: See above|^info Visit https?:|^× .{0,80}did not run successfully|^╰─> |^WARNING: Running pip as|^\[notice\]|^debconf: |^Trying to pull |^Getting image source|^Copying (?:blob|config)|^Writing manifest|^Storing signatures|^COMMIT\b|^--> |^time="[^"]{1,40}" level=(?:info|debug|warning)/i

const best = (
  scene: Scene,
  regions: ReadonlyArray<Region>,
  rules: ReadonlyArray<Rule> = allRules
): Finding | undefined => {
  const weighed = rules
    .map((rule) => ({ rule, weight: rule.rank + bonus(scene, rule.cause) }))
    .toSorted((a, b) => b.weight - a.weight)
  const found = regions.flatMap(({ lines, loose }) => {
    const matches = heaviest(weighed, candidates(lines))
    const [first] = loose ? lastGroup(matches) : matches
    return first === undefined ? [] : [first]
  })
  // The first of equals: what is on stderr.
  return found.toSorted((a, b) => b.weight - a.weight)[0]?.finding
}

interface Match {
  readonly weight: number
  readonly finding: Finding
}

interface Weighed {
  readonly rule: Rule
  readonly weight: number
}

/** Of the lines that any rule knows, those that the weightiest of these rules knows. */
const heaviest = (weighed: ReadonlyArray<Weighed>, lines: ReadonlyArray<LogLine>): ReadonlyArray<Match> => {
  let matches: Array<Match> = []
  let weight = 0
  for (const line of lines) {
    const match = judge(weighed, line, weight)
    if (match === undefined) continue
    if (match.weight > weight) matches = []
    weight = match.weight
    matches.push(match)
  }
  return matches
}

const judge = (weighed: ReadonlyArray<Weighed>, line: LogLine, least: number): Match | undefined => {
  const text = withoutInstruction(line.text).slice(0, matched)
  for (const { rule, weight } of weighed) {
    if (weight < least) return undefined
    const groups = rule.pattern.exec(text)
    if (groups !== null) return { weight, finding: { line, rule, found: groupsOf(groups.groups) } }
  }
  return undefined
}

/** What a RUN says need not be what went wrong with it. */
const withoutInstruction = (text: string): string =>
  /^error: building at STEP "RUN /i.test(text) ? text.slice(text.lastIndexOf('": ') + 1) : text

/** Characters of a line that patterns see. */
const matched = 700

const groupsOf =
  (groups: Readonly<Record<string, string>> | undefined) =>
  (name: string): string =>
    groups?.[name] ?? ""

/** What an exit code adds to what the lines say. */
const bonus = ({ exitCode }: Scene, cause: Cause): number =>
  exitCode !== undefined && exitCauses[exitCode] === cause ? 12 : 0

/** What a shell's exit codes mean, and those of processes that a signal ended. */
export const exitCauses: Readonly<Record<number, Cause>> = {
  124: "timeout",
  126: "permission-denied",
  127: "command-not-found",
  132: "crash",
  134: "crash",
  135: "crash",
  136: "crash",
  137: "out-of-memory",
  139: "crash"
}

const lastGroup = (matches: ReadonlyArray<Match>): ReadonlyArray<Match> => {
  const gap = matches.findLastIndex(
    ({ finding }, at) => finding.line.number - (matches[at - 1]?.finding.line.number ?? finding.line.number) > groupGap
  )
  return gap < 0 ? matches : matches.slice(gap)
}

/** Lines without a match that part two groups. */
const groupGap = 60

/** The lines that could mean something, at most so many characters of them from the beginning and from the end. */
const candidates = (lines: ReadonlyArray<LogLine>): ReadonlyArray<LogLine> => {
  const interesting = lines.filter(({ text }) => suspicious.test(text))
  const head = upTo(interesting, headCharacters)
  const rest = interesting.slice(head.length)
  return [...head, ...upTo(rest.toReversed(), tailCharacters).toReversed()]
}

const headCharacters = 32 * 1024
const tailCharacters = 96 * 1024

/** What a line costs beside its characters: every pattern looks at it. */
const lineCost = 80

const upTo = (lines: ReadonlyArray<LogLine>, characters: number): ReadonlyArray<LogLine> => {
  let left = characters
  const end = lines.findIndex(({ text }) => {
    left -= Math.min(text.length, matched) + lineCost
    return left < 0
  })
  return end < 0 ? lines : lines.slice(0, end)
}

/** Every line that a rule knows has one of these. */
const suspicious =
  /err|fail|fatal|\bno[tn]?\b|n't|cannot|unable|den[iy]|refuse|miss|invalid|un(?:expected|known|defined|resolved|set|met|bound|trusted|authorized|supported|handled|reachable|satisf|recogni)|expect|time[d-]? ?out|kill|abort|panic|crash|segmentation|fault|exception|traceback|conflict|broken|mismatch|\bbad\b|syntax|assert|exceed|exhaust|memory|\bspace\b|\bSIG[A-Z]|requires?\b|required|must\b|needs?\b|lookup|resolve|unreachable|:\d+:\d+:|\(\d+,\d+\)|breaks|permission|forbidden|does ?n[o']t|different|actual|\bonly\b|\bwant|\bgot\b|corrupt|dump|illegal|overflow|leak|certificate|x509|SSL|429|40[134]|50[0-4]|curl|\bEOF\b|E[A-Z]{4,}|\[Y\/n\]|NU1|YN0|GLIBC|held|NO_PUBKEY|not ok|✖|✗|×|set the/i

/** The first of the last lines that sound like trouble. */
const vague = (regions: ReadonlyArray<Region>): Finding | undefined => {
  const found = regions.flatMap(({ lines, loose }) => {
    const matches = candidates(lines)
      .filter(({ text }) => trouble.test(text.slice(0, matched)))
      .map((line): Match => ({ weight: rank.vague, finding: { line, found: groupsOf(undefined) } }))
    return (loose ? lastGroup(matches) : matches).slice(0, 1)
  })
  return found[0]?.finding
}

const trouble =
  /\b(?:error|fatal|fail(?:ed|ure|s)?|exception|panic|abort(?:ed)?|cannot|could not|couldn't|can't|unable|invalid|denied|refused|unexpected|not found|missing|unknown|bad|wrong|illegal|unsupported)\b|err!/i

/** For want of anything better. */
const lastWords = (regions: ReadonlyArray<Region>): Finding | undefined => {
  const [line] = regions.flatMap(({ lines }) => lines.slice(-1))
  return line === undefined ? undefined : { line, found: groupsOf(undefined) }
}

/** The line with which a script of ours ends. */
const scriptsWord = (logs: ReadonlyArray<LogText>): Finding | undefined => {
  const line = logs.flatMap(({ lines }) => lines).findLast(({ text }) => text.startsWith("jobforge: "))
  return line === undefined ? undefined : { line, found: groupsOf(undefined) }
}
