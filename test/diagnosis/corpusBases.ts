import { existsSync, mkdirSync } from "node:fs"
import { execute } from "../jobspec/processes.ts"

/**
 * Base images for the corpus, pushed to a registry: `slim`, a bare Debian, and `tools`, with the compilers and package
 * managers that fail there. The root folders are made once, below `folder`; a Debian mirror must be reachable, and node, npm
 * and Go are this machine's.
 */
export const pushBases = async (folder: string, registry: string): Promise<void> => {
  mkdirSync(folder, { recursive: true })
  await makeOnce(`${folder}/slim`, [
    `debootstrap --variant=minbase bookworm "$1"`,
    `echo 'deb http://deb.debian.org/debian bookworm main' >"$1/etc/apt/sources.list"`,
    `rm -rf "$1"/var/cache/apt/archives/*.deb "$1"/var/lib/apt/lists/*`
  ])
  await makeOnce(`${folder}/tools`, [
    `cp -a "${folder}/slim" "$1"`,
    `cp /etc/resolv.conf "$1/etc/resolv.conf"`,
    `chroot "$1" apt-get update -q`,
    `chroot "$1" apt-get install -q -y --no-install-recommends ${packages.join(" ")}`,
    // What this machine trusts, its tools must trust as well.
    `cp /etc/ssl/certs/ca-certificates.crt "$1/etc/ssl/certs/ca-certificates.crt"`,
    `cp "$(command -v node)" "$1/usr/local/bin/node"`,
    `mkdir -p "$1/usr/local/lib/node_modules" && cp -a "$(npm root -g)/npm" "$1/usr/local/lib/node_modules/npm"`,
    `ln -s ../lib/node_modules/npm/bin/npm-cli.js "$1/usr/local/bin/npm"`,
    `ln -s ../lib/node_modules/npm/bin/npx-cli.js "$1/usr/local/bin/npx"`,
    `cp -a "$(go env GOROOT)" "$1/usr/local/go" && rm -rf "$1"/usr/local/go/test "$1"/usr/local/go/api`,
    `ln -s ../go/bin/go "$1/usr/local/bin/go"`,
    `rm -rf "$1"/var/cache/apt/archives/*.deb "$1"/var/lib/apt/lists/*`
  ])
  for (const name of ["slim", "tools"]) await push(folder, name, registry)
}

const packages = [
  "ca-certificates",
  "cmake",
  "curl",
  "g++",
  "gcc",
  "git",
  "libatomic1",
  "libc6-dev",
  "make",
  "python3",
  "python3-pip",
  "python3-pytest",
  "python3-venv"
]

const makeOnce = async (root: string, script: ReadonlyArray<string>): Promise<void> => {
  if (existsSync(root)) return
  await execute(["rm", "-rf", `${root}.part`])
  await execute(["sh", "-c", ["set -e", ...script].join("\n"), "sh", `${root}.part`])
  await execute(["mv", `${root}.part`, root])
}

const environment = [
  "NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt",
  "NPM_CONFIG_UPDATE_NOTIFIER=false",
  "PIP_CERT=/etc/ssl/certs/ca-certificates.crt",
  "PIP_BREAK_SYSTEM_PACKAGES=1",
  "GOTOOLCHAIN=local"
]

const push = async (folder: string, name: string, registry: string): Promise<void> => {
  const store = ["--root", `${folder}/store`, "--runroot", `${folder}/run`, "--storage-driver", "overlay"]
  const buildah = (...args: ReadonlyArray<string>) => execute(["buildah", ...store, ...args])
  const image = `localhost/${name}`
  const known = await buildah("images", "-q", image).catch(() => "")
  if (known === "") {
    const container = await buildah("from", "scratch")
    await buildah("copy", "-q", container, `${folder}/${name}`, "/")
    await buildah("config", ...environment.flatMap((each) => ["--env", each]), "--cmd", "/bin/bash", container)
    await buildah("commit", "-q", "--rm", container, image)
  }
  await buildah("push", "-q", "--tls-verify=false", image, `docker://${registry}/base/${name}:1`)
}
