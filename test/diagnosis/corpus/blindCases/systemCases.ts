import { type BlindCase, text } from "./BlindCase.ts"

/** Shells, files, rights, disks and the network under an instruction. */
export const systemCases: ReadonlyArray<BlindCase> = [
  {
    name: "script-not-executable",
    label: "permission-denied",
    phase: "build",
    project: "notes",
    note: "a committed script without its executable bit",
    dockerfile: text`
      FROM BASE/busybox:1.35
      WORKDIR /srv
      COPY scripts /srv/scripts
      RUN ./scripts/setup.sh --quiet
    `,
    files: { "scripts/setup.sh": "#!/bin/sh\necho setting up\n" },
    step: { kind: "instruction", number: 4 },
    errorContains: "Permission denied"
  },
  {
    name: "bash-not-in-image",
    label: "command-not-found",
    phase: "build",
    project: "notes",
    note: "a script for bash in an image of busybox",
    dockerfile: text`
      FROM BASE/busybox:1.35
      COPY scripts /srv/scripts
      RUN bash /srv/scripts/setup.sh
    `,
    files: { "scripts/setup.sh": "#!/usr/bin/env bash\nset -euo pipefail\necho setting up\n" },
    step: { kind: "instruction", number: 3 },
    errorContains: "bash: not found"
  },
  {
    name: "carriage-returns",
    label: "command-not-found",
    also: ["file-missing", "syntax-error"],
    phase: "build",
    project: "billing-api",
    note: "a script with Windows line ends: its interpreter is «/bin/sh\\r»",
    dockerfile: text`
      FROM BASE/debian:bookworm
      COPY entrypoint.sh /usr/local/bin/
      RUN chmod +x /usr/local/bin/entrypoint.sh && entrypoint.sh --check
    `,
    files: { "entrypoint.sh": "#!/bin/sh\r\nset -e\r\necho ready\r\n" },
    step: { kind: "instruction", number: 3 },
    errorContains: "entrypoint.sh: not found"
  },
  {
    name: "shell-unterminated",
    label: "syntax-error",
    phase: "build",
    project: "billing-api",
    note: "an if without its fi in a shell script",
    dockerfile: text`
      FROM BASE/debian:bookworm
      COPY migrate.sh /srv/
      RUN echo "checking for errors"; sh /srv/migrate.sh
    `,
    files: { "migrate.sh": 'set -e\nif [ -d /srv/migrations ]; then\n  echo "migrating"\n\necho "done"\n' },
    step: { kind: "instruction", number: 3 },
    errorContains: "Syntax error"
  },
  {
    name: "config-file-missing",
    label: "file-missing",
    phase: "build",
    project: "billing-api",
    note: "set -e, a cp that finds nothing, and harmless complaints before it",
    dockerfile: text`
      FROM BASE/debian:bookworm
      COPY install.sh conf /srv/
      RUN sh /srv/install.sh
    `,
    files: {
      conf: "listen 8080\n",
      "install.sh": text`
        set -e
        cat /etc/os-release | grep -c ERROR || true
        rm /srv/old.conf 2>/dev/null || echo "note: no old.conf to remove (this is not an error)"
        mkdir -p /etc/billing
        cp /srv/billing.conf.production /etc/billing/billing.conf
        echo "installed"
      `
    },
    step: { kind: "instruction", number: 3 },
    errorContains: "cannot stat '/srv/billing.conf.production'"
  },
  {
    name: "scratch-space-short-write",
    label: "disk-full",
    also: ["command-failed"],
    phase: "build",
    project: "billing-api",
    note: "tar fills a temporary file system of 4 MB, and only says how much it could write",
    dockerfile: text`
      FROM BASE/debian:bookworm
      RUN --mount=type=tmpfs,target=/scratch,tmpfs-size=4m \
          cd /scratch && tar -C / -cf usr.tar usr && tar -xf usr.tar
    `,
    step: { kind: "instruction", number: 2 },
    errorContains: "Wrote only"
  },
  {
    name: "scratch-space-full",
    label: "disk-full",
    phase: "build",
    project: "billing-api",
    note: "a copy of many files into a temporary file system of 2 MB: one line for each that doesn't fit",
    dockerfile: text`
      FROM BASE/debian:bookworm
      RUN --mount=type=tmpfs,target=/scratch,tmpfs-size=2m \
          cp -r /usr/share/zoneinfo /usr/share/perl5 /usr/bin /scratch/
    `,
    step: { kind: "instruction", number: 2 },
    errorContains: "No space left on device"
  },
  {
    name: "layer-store-full",
    label: "disk-full",
    also: ["infrastructure", "base-image-unreachable"],
    phase: "build",
    project: "atlas",
    note: "the disk of the layer cache is full while the base image is unpacked",
    dockerfile: text`
      FROM BASE/debian:bookworm
      RUN apt-get update
    `,
    before: (surroundings) => Promise.resolve(surroundings.limitDisk(60)),
    errorContains: "no space left on device"
  },
  {
    name: "shared-memory-full",
    label: "disk-full",
    phase: "test",
    project: "forecast",
    note: "the container's /dev/shm of 64 MB is too small for the test's files",
    dockerfile: text`
      FROM BASE/python:3.11
      COPY share.py /srv/
    `,
    files: {
      "share.py": text`
        import os, tempfile

        for worker in range(8):
            with tempfile.NamedTemporaryFile(dir="/dev/shm", prefix="batch-", delete=False) as file:
                file.write(os.urandom(16 * 1024 * 1024))
            print("worker", worker, "has its batch", flush=True)
      `
    },
    test: { commands: ["python3 /srv/share.py"] },
    step: { kind: "command", index: 0 },
    errorContains: "No space left on device"
  },
  {
    name: "download-unresolvable",
    label: "name-resolution",
    phase: "build",
    project: "codec",
    note: "curl of a host that only an internal name server knows; tar's complaint comes last",
    dockerfile: text`
      FROM BASE/gcc:12
      WORKDIR /opt
      RUN curl -fsSL https://artifacts.corp.invalid/codec-models-1.4.tar.gz | tar -xz
    `,
    step: { kind: "instruction", number: 3 },
    errorContains: "Could not resolve host: artifacts.corp.invalid"
  },
  {
    name: "download-self-signed",
    label: "tls-verification",
    phase: "build",
    project: "codec",
    note: "curl of a server with a certificate that nobody has signed",
    dockerfile: ({ selfSigned }) =>
      `FROM BASE/gcc:12\nWORKDIR /opt\nRUN curl -fsSLO ${selfSigned}/models/codec.bin && sha256sum codec.bin\n`,
    step: { kind: "instruction", number: 3 },
    errorContains: "SSL certificate problem"
  },
  {
    name: "download-refused",
    label: "network-unreachable",
    phase: "build",
    project: "notes",
    note: "wget of a port where nobody listens",
    dockerfile: text`
      FROM BASE/busybox:1.35
      RUN wget -O /srv.tar http://127.0.0.1:9/releases/notes.tar && tar -xf /srv.tar
    `,
    step: { kind: "instruction", number: 2 },
    errorContains: "Connection refused"
  },
  {
    name: "build-too-slow",
    label: "timeout",
    phase: "build",
    project: "notes",
    note: "the build's own limit passes while it goes on talking",
    dockerfile: text`
      FROM BASE/busybox:1.35
      RUN n=0; while true; do n=$((n+1)); echo "training epoch $n: error 0.$((99-n))"; sleep 1; done
    `,
    record: () => ({ build_timeout: "12s" }),
    step: { kind: "instruction", number: 2 }
  },
  {
    name: "silent-instruction",
    label: "command-failed",
    also: ["assertion-failed"],
    phase: "build",
    project: "notes",
    note: "an instruction that fails without a word",
    dockerfile: text`
      FROM BASE/busybox:1.35
      ENV MODE=release
      RUN test "$MODE" = debug
    `,
    step: { kind: "instruction", number: 3 }
  },
  {
    name: "tool-with-words-of-its-own",
    label: "command-failed",
    phase: "build",
    project: "notes",
    note: "an in-house tool that says what it wants in its own words, and has a code of its own",
    dockerfile: text`
      FROM BASE/busybox:1.35
      COPY licence-gate.sh /usr/bin/licence-gate
      RUN sh /usr/bin/licence-gate
    `,
    files: {
      "licence-gate.sh": text`
        echo "licence-gate 2.1"
        echo "scanning 214 components"
        echo "component 'fastgrid' is under SSPL-1.0, which policy P-12 forbids"
        echo "verdict: REJECTED"
        exit 42
      `
    },
    step: { kind: "instruction", number: 3 }
  }
]
