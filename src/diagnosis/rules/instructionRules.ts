import { type Rule, rank, rule } from "../Rule.ts"

const { conclusive, explicit } = rank

/** As a path of the repository: the checkout lies in a folder of the step's own. */
const inContext = (path: string): string => path.replace(/^.*\/jobforge\.\w{1,20}\/checkout\//, "").replace(/^\//, "")

const excluded = (found: (group: string) => string): string =>
  `${inContext(found("glob"))} is excluded by .dockerignore: add an exception (!${inContext(found("glob"))}) for it there, or copy something else.`

/** What Buildah says about the Dockerfile itself: parsing, stages, base images, COPY and ADD. */
export const instructionRules: ReadonlyArray<Rule> = [
  rule(
    "copy-source-missing",
    conclusive,
    /globs? \[?(?<glob>[^\]]{1,200})\]? (?:copied|matched) nothing \((?<ignored>[1-9]\d*) filtered out/i,
    excluded
  ),
  rule(
    "copy-source-missing",
    conclusive,
    /no items matching glob "(?<glob>[^"]{1,200})" copied \((?<ignored>[1-9]\d*) filtered out/i,
    excluded
  ),
  rule(
    "copy-source-missing",
    conclusive,
    /(?:checking on sources under|copier: (?:stat|get)|no such file or directory in context|COPY failed|ADD failed|no items matching glob).{0,300}?"(?<path>\/[^"]{1,200})": no such file or directory/i,
    (found) =>
      `Commit ${inContext(found("path"))} to the repository (as a path of the build context), or correct the path in the COPY or ADD instruction.`
  ),
  rule(
    "copy-source-missing",
    conclusive,
    /no items matching glob "(?<path>[^"]{1,200})"|globs? \[(?<paths>[^\]]{1,200})\] matched nothing/i,
    (found) =>
      `Commit ${inContext(found("path") || found("paths"))} to the repository, or correct the path in the COPY or ADD instruction: nothing in the build context matches it.`
  ),
  rule("copy-source-missing", conclusive, /^error: building at step "(?:COPY|ADD)\b.{0,600}no such file or directory/i),
  rule(
    "copy-source-missing",
    conclusive,
    /^error: building at step "ADD\b.{0,600}(?:response status|status code|bad status)[^\d]{0,20}(?<code>40[0-9])/i,
    "The address that ADD downloads answers {code}: correct the URL."
  ),
  rule(
    "stage-missing",
    conclusive,
    /no stage or image found with that name|invalid from flag value (?<stage>\S{1,100})|COPY --from=(?<other>\S{1,100}): no (?:stage|image)/i
  ),
  rule("stage-missing", conclusive, /target stage "?(?<stage>[^"\s]{1,100})"? (?:not found|could not be found)/i),
  rule(
    "dockerfile-syntax",
    conclusive,
    /(?:Unknown|unknown) instruction: "?(?<word>[^"\s]{1,80})"?/,
    "Correct the unknown instruction {word}; a line that continues the one before needs a backslash at the end of that one."
  ),
  rule("dockerfile-syntax", conclusive, /dockerfile parse error|parsing (?:main )?dockerfile/i),
  rule(
    "dockerfile-syntax",
    conclusive,
    /^(?:error: )?(?:building at step ".{0,600}": |determining starting point for build: |resolving .{0,80}: )?(?:no FROM statement found|file with no instructions|syntax error - can't find = in|(?:[A-Z]+ requires|[A-Z]+ must have) (?:at least |exactly |either )?(?:a|one|two|three|at|arguments?)|unterminated heredoc|missing name in|.{0,40}names can not be blank)/i
  ),
  rule(
    "dockerfile-syntax",
    conclusive,
    /^error: .{0,600}(?:invalid reference format|repository name must be lowercase|can't find = in|unknown flag|Unknown flag: (?<flag>\S{1,40})|invalid (?:EXPOSE|port|mount|ONBUILD|HEALTHCHECK)|unsupported (?:instruction|flag))/i
  ),
  rule(
    "base-image-missing",
    conclusive,
    /^error: (?:creating build container|initializing source|building at step "FROM).{0,400}(?:manifest unknown|name unknown|image may not exist|not found|no image found in (?:image index|manifest list) for architecture)/i
  ),
  rule(
    "base-image-missing",
    conclusive,
    /(?:no image found in (?:image index|manifest list) for architecture|choosing an image from manifest list) "?(?<arch>[a-z0-9/_]{1,30})/i,
    "The base image is not published for this architecture: choose a tag that is, or another image."
  ),
  rule(
    "dockerfile-syntax",
    explicit,
    /unknown user error|(?:user|group): unknown (?:user|group)|looking up user "(?<user>[^"]{1,60})"|unable to find (?:user|group) (?<name>\S{1,60})/i,
    "Create the user that USER or --chown names (RUN useradd or adduser) before it is used, or give it by number."
  )
]
