import { type Rule, rank, rule } from "../Rule.ts"

const { conclusive, crash, explicit, specific, uncaught } = rank

/** Memory, disk, time, and programs that died. */
export const machineRules: ReadonlyArray<Rule> = [
  rule(
    "command-failed",
    specific,
    /\bEADDRINUSE\b.{0,60}?(?<port>:\d{1,5})?$|address already in use/i,
    "Another process listens on the port{port} already: stop it first, or listen on another one."
  ),
  rule(
    "disk-full",
    conclusive,
    /no space left on device|\bENOSPC\b|disk quota exceeded|you don't have enough free space in|: Wrote only \d+ of \d+ bytes/i
  ),
  rule(
    "out-of-memory",
    conclusive,
    /(?:javascript heap|java heap space|\bheap\b.{0,20}) ?out of memory|java\.lang\.OutOfMemoryError|fatal error: runtime: (?:cannot allocate|out of) memory|runtime: out of memory|std::bad_alloc|virtual memory exhausted|fatal error: killed signal terminated program|out of memory: kill(?:ed)? process|oom[- ]?kill|insufficient memory for the java runtime|GC overhead limit exceeded|Container killed.{0,40}memory/i
  ),
  rule(
    "out-of-memory",
    conclusive,
    /^(?:E +)?(?:numpy\S{0,40}\.)?_?(?:Array)?MemoryError\b|\bMemoryError(?::|$)|(?:cannot|could not|failed to|unable to) allocate (?:\S{1,20} ){0,4}(?:memory|bytes|array)|memory allocation of \d+ bytes failed|memory exhausted|NoMemoryError|Allowed memory size of \d+ bytes exhausted|\bENOMEM\b|^(?:sh: )?.{0,80}out of memory$/i
  ),
  rule(
    "out-of-memory",
    crash,
    /^(?:\S{1,80}: (?:line )?\d+: +)?(?:\d+ )?killed\b(?: {2,}.{0,200})?$|signal: killed|signal 9\b|\bSIGKILL\b|Killed signal|\(killed\)$/i
  ),
  rule(
    "timeout",
    explicit,
    /panic: test timed out after (?<time>\S{1,20})/,
    "A Go test did not end within {time}: see the goroutine that the log shows, or raise go test's -timeout."
  ),
  rule(
    "timeout",
    explicit + 1,
    /exceeded timeout of \d+ ?ms|timeout of \d+ ?ms exceeded|test timed out (?:in|after) \d+|\btimed out after \d+ ?(?:ms|s|seconds?|minutes?|m)\b|Failed: Timeout (?:\(?>|>)|^E +Failed: Timeout|test(?:Case)?(?:\S{0,20})? timed out|timeout: sending signal|subprocess\.TimeoutExpired|deadline exceeded waiting for|'?testTimeoutFailure'?/i
  ),
  rule(
    "timeout",
    specific,
    /\b(?:asyncio\.)?TimeoutError\b(?!.{0,60}(?:connect|connection|host))|timed out waiting for|gave up (?:waiting )?after \d+|\bwait-for-it\S{0,20}: timeout occurred/i
  ),
  rule(
    "crash",
    crash,
    /segmentation fault|\bSIGSEGV\b|\bSIGABRT\b|\bSIGBUS\b|\bSIGILL\b|\bSIGFPE\b|core dumped|illegal instruction|bus error|floating point exception|\bAborted\b|stack smashing detected|double free or corruption|free\(\): invalid|malloc\(\): |corrupted (?:size|top)|unexpected fault address|internal compiler error|Fatal Python error|terminate called after throwing|AddressSanitizer: |signal arrived|fatal error: (?:all goroutines are asleep|unexpected signal|stack overflow|concurrent map)|fatal: morestack|# A fatal error has been detected by the Java Runtime|pure virtual method called|Maximum call stack size exceeded|RecursionError|StackOverflowError|stack overflow|trap invalid opcode/i
  ),
  rule(
    "crash",
    crash,
    /^(?:\s*)panic: (?<message>.{1,200})/,
    "The Go program panicked ({message}): mend the line of the first frame in your own code that the log shows below it."
  ),
  rule(
    "crash",
    crash - 2,
    /^\s*thread '(?<thread>[^']{0,80})'(?: \(\d+\))? panicked at (?<place>.{1,120}?):?$|^thread '[^']{0,80}' panicked at/,
    "The Rust program panicked at {place}: handle the error there, or mend what leads to it."
  ),
  rule(
    "command-failed",
    specific + 3,
    /exec format error|cannot execute binary file|rosetta error|wrong ELF class/i,
    "The program was built for another architecture or is no executable: build it for the node's architecture, or give the script a #! line."
  ),
  rule(
    "crash",
    uncaught,
    /^(?:Uncaught |Unhandled |\[?UnhandledPromiseRejection|Traceback \(most recent call last\)|Exception in thread|PHP Fatal error: |Fatal error: Uncaught)/
  ),
  rule(
    "crash",
    uncaught + 1,
    /^(?:E {2,})?(?:[A-Za-z_][\w.]{0,80}\.)?(?:[A-Z]\w{0,60}(?:Error|Exception|Warning)|KeyboardInterrupt|SystemError)(?: \[[A-Z_]+\])?(?::|$)/
  )
]
