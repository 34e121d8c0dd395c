#!/usr/bin/env node
import { randomUUID } from "node:crypto"
import { InvalidArgumentError } from "commander"
import type { DevAddresses, DevOptions } from "./cli/dev.ts"
import { makeProgram } from "./commands/makeProgram.ts"
import { version } from "./version.ts"

const port = (text: string): number => {
  const number = /^[0-9]{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (number >= 1 && number <= 65_535) return number
  throw new InvalidArgumentError("a port is a whole number from 1 to 65535")
}

const announce = ({ consul, nomad, registry, service }: DevAddresses): void => {
  process.stdout.write(
    [
      `Consul    ${consul}`,
      `Nomad     ${nomad}`,
      `Registry  ${registry}`,
      `Service   ${service}`,
      "",
      "Write a record:  consul kv put jobforge-service/jobs/<name> @build.yaml",
      "Read its status: consul kv get jobforge-service/status/<name>",
      ""
    ].join("\n")
  )
}

// A command is loaded when it is asked for: `--version` and `--help` wait for none of them.
const { parse, program } = makeProgram(version, async (load) => {
  const [command, { runCommand }, { redactOwnSecrets }] = await Promise.all([
    load(),
    import("./commands/runCommand.ts"),
    import("./cli/ownSecrets.ts")
  ])
  runCommand(command, redactOwnSecrets)
})

program
  .command("serve")
  .description("run the service against the Consul and Nomad that the environment names")
  .action(async () => {
    const [{ serve }, { runProcess }, { keepHeapClose }] = await Promise.all([
      import("./cli/serve.ts"),
      import("./cli/runProcess.ts"),
      import("./cli/keepHeapClose.ts")
    ])
    keepHeapClose()
    runProcess(serve(process.env, randomUUID()))
  })

program
  .command("dev")
  .description("run all of it on this machine, on 127.0.0.1: embedded Consul and Nomad, a registry, the service")
  .option("--data <folder>", "where everything is kept", ".jobforge")
  .option("--port <port>", "of the service", port, 8080)
  .option("--consul-port <port>", "of the embedded Consul", port, 8500)
  .option("--nomad-port <port>", "of the embedded Nomad", port, 4646)
  .option("--registry-port <port>", "of the registry that is started", port, 5000)
  .option("--registry <host:port>", "a registry that runs already, instead of starting one")
  .option("--secrets <file>", "YAML or JSON with the secrets that Vault would have: path, then fields")
  .action(async (options: Omit<DevOptions, "environment" | "freshId">) => {
    const [{ dev }, { runProcess }] = await Promise.all([import("./cli/dev.ts"), import("./cli/runProcess.ts")])
    runProcess(dev({ ...options, environment: process.env, freshId: randomUUID() }, announce))
  })

await parse(process.argv.slice(2))
