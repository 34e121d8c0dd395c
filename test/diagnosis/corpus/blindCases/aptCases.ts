import { type BlindCase, text } from "./BlindCase.ts"

/** Debian's packages, as Dockerfiles ask for them. */
export const aptCases: ReadonlyArray<BlindCase> = [
  {
    name: "apt-package-of-another-release",
    label: "package-missing",
    phase: "build",
    project: "billing-api",
    note: "the Dockerfile asks for libssl1.1, which Debian 12 does not have any more, among packages that exist",
    dockerfile: text`
      FROM BASE/debian:bookworm
      ENV DEBIAN_FRONTEND=noninteractive
      RUN apt-get update && apt-get install -y --no-install-recommends \
          ca-certificates \
          curl \
          libssl1.1 \
          tzdata \
       && rm -rf /var/lib/apt/lists/*
      COPY . /srv/billing
      CMD ["/srv/billing/run"]
    `,
    step: { kind: "instruction", number: 3 },
    errorContains: "Unable to locate package libssl1.1"
  },
  {
    name: "apt-pinned-version-gone",
    label: "package-missing",
    also: ["dependency-conflict"],
    phase: "build",
    project: "billing-api",
    note: "a version pin of an older Debian release",
    dockerfile: text`
      FROM BASE/debian:bookworm
      LABEL maintainer="platform"
      RUN apt-get update -qq \
       && apt-get install -y --no-install-recommends nginx=1.18.0-6.1+deb11u3
      EXPOSE 80
      CMD ["nginx", "-g", "daemon off;"]
    `,
    step: { kind: "instruction", number: 3 },
    errorContains: "Version '1.18.0-6.1+deb11u3' for 'nginx' was not found"
  },
  {
    name: "apt-without-update",
    label: "package-missing",
    also: ["dependency-install"],
    phase: "build",
    project: "billing-api",
    note: "apt-get install without apt-get update in an image whose package lists were removed",
    dockerfile: text`
      FROM BASE/debian:bookworm
      WORKDIR /opt/tools
      RUN apt-get install -y git make
      COPY . .
      RUN make
    `,
    step: { kind: "instruction", number: 3 },
    errorContains: "Unable to locate package git"
  },
  {
    name: "apt-archived-release",
    label: "dependency-install",
    also: ["package-missing"],
    phase: "build",
    project: "billing-api",
    note: "a sources.list entry for a release that has moved to the archive: 404 on its Release file",
    dockerfile: text`
      FROM BASE/debian:bookworm
      RUN echo "deb http://deb.debian.org/debian stretch-backports main" > /etc/apt/sources.list.d/backports.list
      RUN apt-get update && apt-get install -y --no-install-recommends redis-server
    `,
    step: { kind: "instruction", number: 3 },
    errorContains: "stretch-backports Release' does not have a Release file"
  },
  {
    name: "apt-unmet-dependencies",
    label: "dependency-conflict",
    phase: "build",
    project: "billing-api",
    note: "a Python of the release before is asked for beside the present one",
    dockerfile: text`
      FROM BASE/debian:bookworm
      RUN echo "deb http://deb.debian.org/debian bullseye main" > /etc/apt/sources.list.d/bullseye.list
      RUN apt-get update && apt-get install -y --no-install-recommends python3=3.9.2-3 python3-minimal
    `,
    step: { kind: "instruction", number: 3 },
    errorContains: "The following packages have unmet dependencies"
  },
  {
    name: "apt-mirror-unresolvable",
    label: "name-resolution",
    phase: "build",
    project: "billing-api",
    note: "a mirror whose name nobody knows: apt-get update only warns, and install then finds no package",
    dockerfile: text`
      FROM BASE/debian:bookworm
      ENV LANG=C.UTF-8
      RUN rm -f /etc/apt/sources.list.d/* \
       && echo "deb http://apt-mirror.build.invalid/debian bookworm main" > /etc/apt/sources.list
      RUN apt-get update; apt-get install -y --no-install-recommends ca-certificates curl jq
    `,
    step: { kind: "instruction", number: 4 },
    errorContains: "apt-mirror.build.invalid"
  },
  {
    name: "pip-externally-managed",
    label: "dependency-install",
    phase: "build",
    project: "billing-api",
    note: "pip of the distribution refuses to install beside apt; a long installation stands before it",
    dockerfile: text`
      FROM BASE/debian:bookworm
      RUN apt-get update && apt-get install -y --no-install-recommends python3 python3-pip
      WORKDIR /app
      COPY requirements.txt .
      RUN pip3 install -r requirements.txt
      CMD ["python3", "-m", "billing"]
    `,
    files: { "requirements.txt": "flask==3.0.3\ngunicorn==22.0.0\n" },
    step: { kind: "instruction", number: 5 },
    errorContains: "externally-managed-environment"
  }
]
