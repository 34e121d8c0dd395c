import { packageOf } from "./debianPackages.ts"
import { type Rule, rank, rule } from "../Rule.ts"

const { explicit, file, specific, system } = rank

const install = (found: (group: string) => string): string => {
  const command = found("command") || found("other") || found("third")
  if (command.endsWith("\\r")) {
    return `Save the script with Unix line ends: its first line asks for "${command}", with a carriage return.`
  }
  if (command.includes("/")) {
    return `${command} is not there, or its #! line names a program that isn't (a line end from Windows does that too): COPY it, and install what it names.`
  }
  return `Install ${command} before it is used: add \`${packageOf(command)}\` to the image's packages, or correct the name.`
}

/** Shells and the kernel: commands, permissions, files. */
export const shellRules: ReadonlyArray<Rule> = [
  rule(
    "command-not-found",
    system + 2,
    /^(?:\/?(?:usr\/)?(?:bin\/)?(?:ba|da|a|k|z)?sh|\S{0,100}?(?:\.sh|entrypoint|\/run|main\.c)): (?:line )?(?:\d+: )?(?:exec: )?(?:line \d+: )?(?<command>[^\s:][^:]{0,120}): (?:command )?not found$/i,
    install
  ),
  rule(
    "command-not-found",
    system + 2,
    /^(?:\S{1,80}: )?(?:line \d+: )?(?<command>[A-Za-z0-9_.+/-]{1,100}): command not found$/i,
    install
  ),
  rule(
    "command-not-found",
    system + 2,
    /exec(?:utable)?:? "(?<command>[^"]{1,200})": (?:executable file not found|stat \S{1,200}: no such file)|exec: "(?<other>[^"]{1,200})": executable file not found in \$PATH/i,
    install
  ),
  rule(
    "command-not-found",
    system + 3,
    /^(?:\/usr\/bin\/)?env: (?:can't execute )?[‘'"`]?(?<command>[^\s:'"’`]{1,100})['’"`]?: No such file or directory/i,
    install
  ),
  rule(
    "command-not-found",
    system + 2,
    /^make(?:\[\d+\])?: (?<command>[^\s:]{1,100}): (?:No such file or directory|Command not found|not found)/,
    install
  ),
  rule(
    "command-not-found",
    system + 2,
    /(?:sh|exec): (?:\d+: )?(?:exec: )?(?<command>[\w.+/-]{1,100}): not found$/,
    install
  ),
  rule(
    "command-not-found",
    system + 2,
    /: bad interpreter: No such file or directory|: no such file or directory \(required interpreter\)/i,
    "The script's #! line names a program that the image lacks (a line end from Windows does that too): install it, or correct the first line."
  ),
  rule(
    "dependency-install",
    specific + 2,
    /(?:error: command|unable to execute) '?(?<command>[\w.+/-]{1,60}?)'? ?(?:failed)?: No such file or directory/i,
    install
  ),
  rule(
    "command-not-found",
    specific + 2,
    /exec: "(?<command>gcc|cc|clang|g\+\+|git|make)": executable file not found|linker [`'](?<other>\w{1,20})[`'] not found/i,
    install
  ),
  rule(
    "command-not-found",
    specific + 1,
    /no acceptable C compiler found|C compiler cannot create executables|no CMAKE_C(?:XX)?_COMPILER could be found|could not find (?:a )?C compiler|Unable to find a compiler/i,
    "Install a C compiler before this step: add `build-essential` (apt) or `build-base` (apk) to the image's packages."
  ),
  rule(
    "dependency-install",
    specific + 2,
    /gyp ERR! stack Error: not found: (?<command>make|gcc|g\+\+|python\d?)/i,
    install
  ),
  rule(
    "dependency-install",
    specific + 1,
    /could not find any python installation/i,
    "Install python3, make and g++ before npm builds native modules."
  ),
  rule(
    "command-not-found",
    specific + 2,
    /ERROR: (?:Cannot|Error) \S{0,40} ?(?:find )?command '(?<command>git|hg|svn)'|Cannot find command '(?<other>git|hg|svn|bzr)'/i,
    install
  ),
  rule("command-not-found", specific, /spawn (?<command>\S{1,100}) ENOENT/, install),
  rule(
    "command-not-found",
    system,
    /FileNotFoundError: \[Errno 2\] No such file or directory: '(?<command>[a-z0-9_+-]{1,40})'$/,
    install
  ),
  rule(
    "permission-denied",
    system + 1,
    /(?<path>(?:\/|\.\/)[^\s:'"]{1,200})['"’]?: Permission denied/i,
    "The user of this step may not use {path}: chmod or chown it in an earlier step, or run this one as the user whose it is."
  ),
  rule(
    "permission-denied",
    system,
    /permission denied|\bEACCES\b|\bEPERM\b|operation not permitted|read-only file system|PermissionError|are you root\?|must be (?:run as )?root|access is denied|requires? (?:root|superuser) privileges|you do not have permission|AccessDeniedException/i
  ),
  rule(
    "entry-point-missing",
    explicit,
    /no command specified|exec: "[^"]{1,200}": .{0,200}(?:container|OCI) .{0,40}(?:starting|create)|unable to start container process: .{0,40}exec: "(?<command>[^"]{1,200})"/i
  ),
  rule(
    "file-missing",
    file + 2,
    /(?:can't|cannot|couldn't|could not|unable to|failed to) (?:open|stat|access|find|read|load|cd to|locate)(?: the)?(?: file| input| directory| config\S{0,10})? ?[‘'"`]?(?<path>[^\s'"’`:]{1,200})['"’`]?.{0,60}(?:no such file|not found|does not exist|doesn't exist|\[Errno 2\])/i,
    "{path} is not in the image at this point: COPY it earlier, or correct the path."
  ),
  rule(
    "file-missing",
    file + 1,
    /[‘'"`]?(?<path>[^\s'"’`:,]{1,200})['"’`]?: (?:open failed: |cannot open: )?No such file or directory/i,
    "{path} is not in the image at this point: COPY it earlier, or correct the path."
  ),
  rule(
    "file-missing",
    file + 1,
    /no such file or directory[,:]? (?:open|stat|scandir|lstat|access)?:? ?[‘'"`](?<path>[^'"’`]{1,200})/i,
    "{path} is not in the image at this point: COPY it earlier, or correct the path."
  ),
  rule(
    "file-missing",
    file,
    /no such file or directory|\bENOENT\b|FileNotFoundError|file not found\b|NoSuchFileException|FileNotFoundException|can't cd to|can't open (?<path>\S{1,200})|cannot find the (?:file|path)|does not exist$|os error 2\b/i
  ),
  rule(
    "syntax-error",
    specific + 2,
    /^(?:\S{0,100}?(?:ba|da|a|k|z)?sh|\S{1,100}\.sh): (?:-c: )?(?:line )?\d*:? ?-?c?:? ?.{0,20}(?:syntax error|unexpected (?:end of file|EOF|token)|unterminated)/i,
    "Mend the shell syntax of the command or script at the place that the message names."
  )
]
