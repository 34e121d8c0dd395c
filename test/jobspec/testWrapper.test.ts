import { assert, describe, it } from "@effect/vitest"
import { testWrapper } from "../../src/jobspec/testWrapper.ts"
import { available, type Ended, type Running, start } from "./processes.ts"

const shells: ReadonlyArray<readonly [string, ReadonlyArray<string>]> = [
  ["sh", ["sh"]],
  ["dash", ["dash"]],
  ["bash", ["bash"]],
  ["busybox", ["busybox", "sh"]]
]

describe.concurrent.each(shells.filter(([program]) => available(program)))(
  "the wrapper of a test's command in %s",
  (_, shell) => {
    const run = (command: string): Running => start([...shell, "-c", testWrapper, "sh", command])
    const outcome = (command: string): Promise<Ended> => run(command).ended

    it.each([0, 1, 42, 255])("ends with the command's exit code %i", async (code) => {
      assert.strictEqual((await outcome(`exit ${code}`)).code, code)
    })

    it("takes the command as it is", async () => {
      const ended = await outcome(`echo "$0 $#"; echo '%{x}' '$y' "a  b"; echo oops >&2`)
      assert.strictEqual(ended.stdout, "sh 0\n%{x} $y a  b\n")
      assert.strictEqual(ended.stderr, "oops\n")
    })

    it("outlives the command's last output by a moment", async () => {
      const before = performance.now()
      await outcome("echo last")
      assert.isAtLeast(performance.now() - before, 950)
    })

    it("forwards a stop and waits for what the command does about it", async () => {
      const running = run('trap "echo stopping; exit 9" TERM; echo ready; while :; do sleep 0.05; done')
      await running.printed("ready")
      running.process.kill("SIGTERM")
      const ended = await running.ended
      assert.strictEqual(ended.code, 9)
      assert.include(ended.stdout, "stopping")
    })

    it("ends as a stopped command does", async () => {
      const running = run("echo ready; exec sleep 30")
      await running.printed("ready")
      running.process.kill("SIGTERM")
      assert.strictEqual((await running.ended).code, 143)
    })

    it("says what a shell says of a command that is not there", async () => {
      assert.strictEqual((await outcome("no-such-command")).code, 127)
    })
  }
)
