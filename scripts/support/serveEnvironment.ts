/** What `jobforge serve` needs to run over these two, for itself alone and without a word but errors. */
export const serveEnvironment = (over: {
  readonly consul: string
  readonly nomad: string
  readonly port: number
}): NodeJS.ProcessEnv => ({
  PATH: process.env["PATH"],
  CONSUL_HTTP_ADDR: over.consul,
  NOMAD_ADDR: over.nomad,
  NOMAD_DATACENTERS: "dc1",
  VAULT_ENABLED: "false",
  SERVER_HOST: "127.0.0.1",
  SERVER_PORT: String(over.port),
  METRICS_PORT: "0",
  LOG_LEVEL: "error"
})
