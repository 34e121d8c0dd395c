# The service; the same file is the command line. First `npm ci && npm run build`, then
#
#   buildah bud --format oci --timestamp 0 -t registry.example.com/jobforge/service:0.1.0 .
#
# or scripts/push-image, which does all of it. In this format the same bundle over the same bases gives the same digest: name
# the bases by digest where that matters. Docker's format keeps HEALTHCHECK, which Nomad and Kubernetes don't read, but also
# writes down where it was built.
#
# NODE has /usr/local/bin/node and a shell; BASE what the node program is linked with (glibc and libstdc++), and may have
# nothing else.
ARG NODE=docker.io/library/node:22-bookworm-slim
ARG BASE=gcr.io/distroless/cc-debian12:latest

FROM ${NODE} AS files
COPY dist/jobforge.mjs LICENSE /files/app/
# Node's own list of authorities. Node itself has it built in; this is for whoever looks where a system has it.
RUN mkdir -p /files/usr/local/bin /files/etc/ssl/certs \
  && cp /usr/local/bin/node /files/usr/local/bin/node \
  && chmod 0755 /files/app/jobforge.mjs /files/usr/local/bin/node \
  && chmod 0644 /files/app/LICENSE \
  && node -e 'process.stdout.write(require("node:tls").rootCertificates.join("\n") + "\n")' \
    >/files/etc/ssl/certs/ca-certificates.crt \
  && printf 'root:x:0:0:root:/root:/sbin/nologin\njobforge:x:1001:1001:jobforge:/app:/sbin/nologin\n' >/files/etc/passwd \
  && printf 'root:x:0:\njobforge:x:1001:\n' >/files/etc/group

FROM ${BASE}
COPY --from=files /files/ /
ENV NODE_ENV=production PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
# Nothing in the image belongs to it, and it writes no file: the root file system may be read-only.
USER 1001:1001
WORKDIR /app
# The service, and its metrics.
EXPOSE 8080 9090
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 CMD ["node", "-e", "const {SERVER_HOST: h, SERVER_PORT: p} = process.env; fetch(`http://${!h || h === '0.0.0.0' ? '127.0.0.1' : h === '::' ? '[::1]' : h.includes(':') ? `[${h}]` : h}:${p || 8080}/health`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# An idle service's heap is not collected for the only reason that nothing happens: that is half of what it costs then. And
# what is made by the thousand a second is made where it is collected early: V8 takes the start of the program, most of which
# stays, for the rule, and would hold every request until the next full collection. There it takes 24 MiB instead of 48, at the
# same speed.
ENTRYPOINT ["node", "--no-memory-reducer", "--no-allocation-site-pretenuring", "--max-semi-space-size=8", "/app/jobforge.mjs"]
CMD ["serve"]
