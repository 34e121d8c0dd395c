#!/usr/bin/env node
import { randomUUID } from "node:crypto"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Command, InvalidArgumentError } from "commander"
import { Cause, ConfigError, Effect } from "effect"
import type { DevAddresses, DevOptions } from "./cli/dev.ts"
import { secretsIn } from "./cli/ownSecrets.ts"
import { makeRedactor } from "./redaction/Redactor.ts"
import { version } from "./version.ts"

/** Runs a command's effect as the process: signals interrupt it, a failure is one line on stderr and exit code 1. */
const run = (effect: Effect.Effect<never, { readonly message: string }>): void =>
  NodeRuntime.runMain(
    effect.pipe(
      Effect.tapError((error) => Effect.sync(() => process.stderr.write(redacted(`Error: ${wordsOf(error)}\n`)))),
      Effect.tapDefect((defect) => Effect.logFatal("bug", redacted(Cause.pretty(defect))))
    ),
    { disableErrorReporting: true, disablePrettyLogger: true }
  )

/** A setting's fault doesn't name the setting by itself. */
const wordsOf = (error: { readonly message: string }): string =>
  ConfigError.isConfigError(error) ? Cause.pretty(Cause.fail(error)).replace(/^\((.*)\)$/s, "$1") : error.message

/** What the environment holds in confidence shows in no last word either. */
const redacted = (text: string): string => makeRedactor(secretsIn(process.env)).text(text)

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
const program = new Command("jobforge")
  .description("Turns records in Consul KV into tested, published container images, by way of Nomad.")
  .version(version, "--version", "print the version")
  .showHelpAfterError()

program
  .command("serve")
  .description("run the service against the Consul and Nomad that the environment names")
  .action(async () => {
    const { serve } = await import("./cli/serve.ts")
    run(serve(process.env, randomUUID()))
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
    const { dev } = await import("./cli/dev.ts")
    run(dev({ ...options, environment: process.env, freshId: randomUUID() }, announce))
  })

await program.parseAsync()
