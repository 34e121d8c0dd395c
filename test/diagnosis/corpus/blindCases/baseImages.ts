import { existsSync, mkdirSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { execute } from "../../../jobspec/processes.ts"
import { text } from "./BlindCase.ts"

interface BaseImage {
  readonly name: string
  readonly dockerfile: string
  /** What its context has, by name: made by a shell command in the context's folder. */
  readonly context: string
}

/** Public registries aren't in reach everywhere, so that the bases are made of Debian's packages and this machine's own tools. */
const baseImages: ReadonlyArray<BaseImage> = [
  {
    name: "busybox:1.35",
    dockerfile: text`
      FROM scratch
      COPY busybox /bin/busybox
      RUN ["/bin/busybox", "sh", "-c", "/bin/busybox --install -s /bin && mkdir -p /tmp /etc /usr/bin && chmod 1777 /tmp"]
      CMD ["sh"]
    `,
    context: "cp $(command -v busybox) busybox"
  },
  {
    name: "debian:bookworm",
    dockerfile: text`
      FROM scratch
      ADD rootfs.tar /
      CMD ["bash"]
    `,
    // Buildah's user namespace may refuse the change of user that apt makes for its downloads.
    context: text`
      debootstrap --variant=minbase bookworm rootfs http://deb.debian.org/debian
      echo 'APT::Sandbox::User "root";' >rootfs/etc/apt/apt.conf.d/90sandbox
      rm -rf rootfs/var/cache/apt/* rootfs/var/lib/apt/lists/* rootfs/dev/*
      tar -C rootfs -cf rootfs.tar .
      rm -rf rootfs
    `
  },
  {
    name: "gcc:12",
    dockerfile: text`
      FROM BASE/debian:bookworm
      RUN apt-get update && apt-get install -y --no-install-recommends gcc g++ libc6-dev make cmake curl ca-certificates
      COPY bundle.crt /etc/ssl/certs/ca-certificates.crt
    `,
    context: "cp /etc/ssl/certs/ca-certificates.crt bundle.crt"
  },
  {
    name: "python:3.11",
    dockerfile: text`
      FROM BASE/debian:bookworm
      RUN apt-get update \
       && apt-get install -y --no-install-recommends python3 python3-dev python3-pip python3-setuptools python3-wheel python3-pytest \
       && rm -f /usr/lib/python3*/EXTERNALLY-MANAGED && ln -s python3 /usr/bin/python
      COPY bundle.crt /etc/ssl/certs/ca-certificates.crt
      ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt PIP_ROOT_USER_ACTION=ignore
    `,
    context: "cp /etc/ssl/certs/ca-certificates.crt bundle.crt"
  },
  {
    name: "node:20",
    dockerfile: text`
      FROM BASE/debian:bookworm
      ADD node.tar /usr/
      COPY bundle.crt /etc/ssl/certs/ca-certificates.crt
      ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
      RUN useradd --create-home node && ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/bin/npm \
       && ln -s ../lib/node_modules/npm/bin/npx-cli.js /usr/bin/npx
      CMD ["node"]
    `,
    context: text`
      cp /etc/ssl/certs/ca-certificates.crt bundle.crt
      tar -C "$(dirname "$(dirname "$(readlink -f "$(command -v node)")")")" -cf node.tar bin/node lib/node_modules/npm
    `
  },
  {
    name: "golang:1.26",
    dockerfile: text`
      FROM BASE/debian:bookworm
      ADD go.tar /usr/local/
      COPY bundle.crt /etc/ssl/certs/ca-certificates.crt
      ENV PATH=/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin CGO_ENABLED=0
    `,
    context: text`
      cp /etc/ssl/certs/ca-certificates.crt bundle.crt
      tar -C "$(dirname "$(go env GOROOT)")" --exclude=go/test --exclude=go/doc --exclude=go/api -cf go.tar go
    `
  }
]

/** Makes the base images that `library/` of the registry doesn't have yet, below `folder`. */
export const makeBaseImages = async (
  folder: string,
  registry: string,
  has: (image: string) => Promise<boolean>,
  say: (line: string) => void
): Promise<void> => {
  const store = ["--root", join(folder, "store"), "--runroot", join(folder, "run"), "--storage-driver", "overlay"]
  for (const { context, dockerfile, name } of baseImages) {
    if (await has(name)) continue
    say(`base image ${name}`)
    const place = join(folder, "contexts", name.replace(":", "-"))
    const made = join(place, ".made")
    mkdirSync(place, { recursive: true })
    if (!existsSync(made)) {
      await execute(["nice", "sh", "-ec", context], { cwd: place })
      mkdirSync(dirname(made), { recursive: true })
      writeFileSync(made, "")
    }
    writeFileSync(join(folder, "Dockerfile"), dockerfile.replaceAll("BASE/", `${registry}/library/`))
    const image = `${registry}/library/${name}`
    const bud = ["bud", "--isolation", "chroot", "--tls-verify=false", "--quiet", "-f", join(folder, "Dockerfile")]
    await execute(["nice", "buildah", ...store, ...bud, "-t", image, place])
    await execute(["nice", "buildah", ...store, "push", "--tls-verify=false", "--quiet", image, `docker://${image}`])
  }
}
