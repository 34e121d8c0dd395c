import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { startCluster } from "./cluster/Cluster.ts"
import { findPrograms } from "./cluster/programs.ts"

// usage: tsx scripts/cluster.ts [FOLDER]: real Consul, Nomad, Docker, registry and Job Forge until Ctrl-C.
const { missing, partly, programs } = findPrograms()
for (const what of [...missing, ...partly]) console.error(`missing: ${what}`)
if (programs === undefined) {
  process.exitCode = 1
} else {
  const signalled = new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      // In place of the engines' hard end: Docker's containers would outlive that.
      process.removeAllListeners(signal)
      process.on(signal, () => resolve())
    }
  })
  const folder = process.argv[2] ?? mkdtempSync(join(tmpdir(), "jobforge-cluster-"))
  const cluster = await startCluster({ programs, folder, say: (line) => console.error(line) })
  console.log(`Service   ${cluster.url}`)
  console.log(`Consul    ${cluster.consul}`)
  console.log(`Nomad     ${cluster.nomad.address}`)
  console.log(`Registry  ${cluster.registry.host}`)
  console.log(`Docker    DOCKER_HOST=${cluster.docker.host}`)
  console.log(`Base      ${cluster.base}`)
  if (cluster.vault !== undefined) console.log(`Vault     ${cluster.vault.address}`)
  console.log(`Data      ${folder}`)
  await signalled
  await cluster.stop()
}
