import { findService, helloWorld, NotReady, resultsFolder } from "./deployed/target.ts"
import { testDeployed } from "./deployed/testDeployed.ts"

const say = (line: string): void => console.log(line)

const minutes = 60_000

const patienceOf = (text: string | undefined): number => {
  const given = Number(text ?? "15")
  if (!(given > 0)) throw new NotReady("TEST_PATIENCE_MINUTES must be a number above 0")
  return given * minutes
}

const main = async (): Promise<number> => {
  const { env } = process
  const client = await findService(env)
  say(`testing the service at ${client.baseUrl}`)
  const { status } = await client.health()
  if (status !== "healthy") throw new NotReady(`the service says that it is ${status}; ask it for /health`)
  const faults = await testDeployed({
    client,
    job: helloWorld(client.baseUrl, env),
    folder: resultsFolder(env),
    patience: patienceOf(env["TEST_PATIENCE_MINUTES"]),
    say
  })
  for (const fault of faults) say(`FAILED: ${fault}`)
  if (faults.length === 0) say("the deployed service builds, tests and publishes")
  return faults.length === 0 ? 0 : 1
}

try {
  process.exitCode = await main()
} catch (error) {
  if (!(error instanceof NotReady)) throw error
  say(error.message)
  process.exitCode = 2
}
