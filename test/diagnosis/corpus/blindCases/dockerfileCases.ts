import { type BlindCase, text } from "./BlindCase.ts"

/** Slips in the Dockerfile itself, its context and its base images. */
export const dockerfileCases: ReadonlyArray<BlindCase> = [
  {
    name: "copy-of-nothing",
    label: "copy-source-missing",
    phase: "build",
    project: "notes",
    note: "COPY of a file that isn't in the repository",
    dockerfile: text`
      FROM BASE/busybox:1.35
      WORKDIR /srv
      COPY index.html requirements.lock /srv/
      CMD ["httpd", "-f"]
    `,
    files: { "index.html": "<h1>notes</h1>\n", "requirements.txt": "" },
    step: { kind: "instruction", number: 3 },
    errorContains: "requirements.lock"
  },
  {
    name: "copy-of-ignored",
    label: "copy-source-missing",
    phase: "build",
    project: "notes",
    note: "COPY of a folder that .dockerignore leaves out",
    dockerfile: text`
      FROM BASE/busybox:1.35
      RUN echo "error page: /srv/error.html"
      COPY dist /srv/
    `,
    files: { "dist/index.html": "<h1>notes</h1>\n", ".dockerignore": "node_modules\n*.log\ndist\n" },
    step: { kind: "instruction", number: 3 },
    errorContains: "dist"
  },
  {
    name: "copy-outside-the-context",
    label: "copy-source-missing",
    also: ["context-missing"],
    phase: "build",
    project: "notes",
    note: "the Dockerfile was written for the repository's root, the record says a subfolder",
    dockerfile: text`
      FROM BASE/busybox:1.35
      COPY web/site /srv/site
      COPY shared/logo.svg /srv/site/
    `,
    files: { "web/site/index.html": "<h1>notes</h1>\n", "shared/logo.svg": "<svg/>\n" },
    record: () => ({ dockerfile_context: "web" }),
    step: { kind: "instruction", number: 2 },
    errorContains: "web/site"
  },
  {
    name: "instruction-mistyped",
    label: "dockerfile-syntax",
    phase: "build",
    project: "notes",
    note: "RNU for RUN",
    dockerfile: text`
      FROM BASE/busybox:1.35
      WORKDIR /srv
      RNU mkdir -p /srv/data
      CMD ["httpd", "-f"]
    `,
    step: { kind: "instruction", number: 3 },
    errorContains: "RNU"
  },
  {
    name: "env-without-a-value",
    label: "dockerfile-syntax",
    phase: "build",
    project: "notes",
    note: "ENV with a name alone",
    dockerfile: text`
      FROM BASE/busybox:1.35
      ENV HTTPD_HOME
      RUN mkdir -p /srv
    `,
    errorContains: "ENV"
  },
  {
    name: "run-without-continuation",
    label: "dockerfile-syntax",
    phase: "build",
    project: "notes",
    note: "a backslash is missing, so that the second half of a command is an instruction",
    dockerfile: text`
      FROM BASE/busybox:1.35
      RUN mkdir -p /srv/data \
       && echo ready > /srv/data/state
       && chmod 700 /srv/data
    `,
    step: { kind: "instruction", number: 3 },
    errorContains: "&&"
  },
  {
    name: "base-argument-empty",
    label: "dockerfile-syntax",
    also: ["base-image-missing", "missing-configuration"],
    phase: "build",
    project: "notes",
    note: "FROM a build argument that has no value",
    dockerfile: text`
      ARG BASE_IMAGE
      FROM $BASE_IMAGE
      RUN mkdir -p /srv
    `,
    errorContains: "no FROM statement found"
  },
  {
    name: "stage-mistyped",
    label: "stage-missing",
    also: ["base-image-missing", "base-image-unreachable"],
    phase: "build",
    project: "notes",
    note: "COPY --from a stage that is called otherwise: Buildah takes it for an image",
    dockerfile: text`
      FROM BASE/busybox:1.35 AS builder
      RUN mkdir -p /out && echo "<h1>notes</h1>" > /out/index.html

      FROM BASE/busybox:1.35
      COPY --from=bulider /out /srv
    `,
    step: { kind: "instruction", number: 2 },
    errorContains: "COPY --from=bulider: no stage or image found"
  },
  {
    name: "dockerfile-elsewhere",
    label: "dockerfile-missing",
    phase: "build",
    project: "notes",
    note: "the record names docker/Dockerfile, the repository has it at its root",
    dockerfile: text`
      FROM BASE/busybox:1.35
    `,
    record: () => ({ dockerfile_path: "docker/Dockerfile" }),
    errorContains: "DockerfileMissing"
  },
  {
    name: "context-elsewhere",
    label: "context-missing",
    phase: "build",
    project: "notes",
    note: "the record's context isn't in the repository",
    dockerfile: text`
      FROM BASE/busybox:1.35
    `,
    record: () => ({ dockerfile_context: "services/notes" }),
    errorContains: "ContextMissing"
  },
  {
    name: "base-tag-mistyped",
    label: "base-image-missing",
    phase: "build",
    project: "notes",
    note: "a tag that the registry doesn't have",
    dockerfile: text`
      FROM BASE/debian:bookwrm
      RUN echo never
    `,
    errorContains: "manifest unknown"
  },
  {
    name: "base-repository-mistyped",
    label: "base-image-missing",
    phase: "build",
    project: "notes",
    note: "a repository that the registry doesn't have, in the second stage",
    dockerfile: text`
      FROM BASE/busybox:1.35 AS pages
      RUN echo "<h1>notes</h1>" > /index.html

      FROM BASE/ngnix:1.25
      COPY --from=pages /index.html /usr/share/nginx/html/
    `,
    errorContains: "ngnix"
  },
  {
    name: "base-wants-a-login",
    label: "registry-authentication",
    also: ["base-image-unreachable"],
    phase: "build",
    project: "notes",
    note: "a base image in a registry for which the job has no login",
    dockerfile: ({ loginRegistry }) => `FROM ${loginRegistry}/platform/base:3\nRUN echo never\n`,
    errorContains: "authentication required"
  },
  {
    name: "base-registry-refuses",
    label: "base-image-unreachable",
    also: ["registry-unreachable", "network-unreachable"],
    phase: "build",
    project: "notes",
    note: "nobody listens where the base image should come from",
    dockerfile: "FROM 127.0.0.1:9/platform/base:3\nRUN echo never\n",
    errorContains: "connection refused"
  },
  {
    name: "base-from-docker-hub",
    label: "base-image-unreachable",
    also: ["name-resolution", "registry-unreachable", "network-unreachable"],
    phase: "build",
    project: "notes",
    note: "a public base image on a machine that doesn't reach its registry",
    dockerfile: text`
      FROM node:20-alpine
      WORKDIR /app
      COPY . .
      CMD ["node", "server.js"]
    `,
    errorContains: "node:20-alpine"
  }
]
