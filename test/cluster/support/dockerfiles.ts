import { busybox, type CorpusCase } from "./Corpus.ts"

const lines =
  (...text: ReadonlyArray<string>): (() => string) =>
  () =>
    [busybox, ...text].join("\n")

/** Dockerfiles of different kinds, and what must be true of the images. */
export const dockerfiles: ReadonlyArray<CorpusCase> = [
  {
    name: "entry-point",
    dockerfile: lines("COPY hello /usr/bin/hello", "ENV WORLD=World", 'ENTRYPOINT ["/usr/bin/hello"]'),
    files: { hello: '#!/bin/sh\necho "Hello $WORLD"\n' }
  },
  {
    name: "scratch-only",
    dockerfile: () => 'FROM scratch\nCOPY busybox /true\nENTRYPOINT ["/true"]\nCMD []'
  },
  {
    name: "multi-stage",
    dockerfile: () =>
      [
        busybox.replace("FROM scratch", "FROM scratch AS tools"),
        "FROM tools AS build",
        "RUN mkdir /out && echo built >/out/artifact && echo secret >/out-of-it",
        "FROM tools AS unused",
        "RUN exit 1",
        "FROM tools",
        "COPY --from=build /out /srv",
        "COPY --from=1 /out/artifact /srv/again"
      ].join("\n"),
    commands: ["grep built /srv/artifact && grep built /srv/again && test ! -e /out-of-it"]
  },
  {
    name: "copy-from-image",
    dockerfile: ({ base }) => [busybox, `COPY --from=${base} /etc/debian_version /etc/version`].join("\n"),
    commands: ["grep '^1' /etc/version"]
  },
  {
    name: "arguments",
    dockerfile: ({ base }) =>
      [
        `ARG BASE=${base}`,
        "FROM $BASE",
        "ARG VERSION=1.2.3",
        "ARG EMPTY",
        "ENV FULL=v${VERSION}-${EMPTY:-none} DIR=/srv/${VERSION%.*}",
        'RUN mkdir -p "/srv/$VERSION" && echo "$FULL" >"/srv/$VERSION/full"',
        "WORKDIR /srv/${VERSION}"
      ].join("\n"),
    commands: ["test $(cat /srv/1.2.3/full) = v1.2.3-none", "test $(pwd) = /srv/1.2.3 && test $FULL = v1.2.3-none"]
  },
  {
    name: "add-archive",
    dockerfile: lines("ADD tree.tar.gz /srv/", "ADD tree.tar.gz plain/ /other/", "COPY tree.tar.gz /srv/kept.tar.gz"),
    files: { "plain/file": "plain\n" },
    prepare: "mkdir -p t/deep/er && echo deep >t/deep/er/file && tar -czf tree.tar.gz -C t . && rm -r t",
    commands: ["grep deep /srv/deep/er/file && grep plain /other/file && test -f /srv/kept.tar.gz"]
  },
  {
    name: "add-url",
    dockerfile: ({ git }) => [busybox, `ADD ${git}/entry-point.git/HEAD /srv/`].join("\n"),
    commands: ["grep refs/heads/main /srv/HEAD"]
  },
  {
    name: "heredoc",
    dockerfile: lines(
      "RUN <<END",
      "set -e",
      'mkdir -p /srv && for n in 1 2 3; do echo "line $n"; done >/srv/lines',
      "END",
      "COPY <<one <<two /srv/",
      "first",
      "one",
      "second",
      "two",
      "COPY <<-'END' /srv/literal",
      "\tkeeps $HOME",
      "END"
    ),
    commands: [
      "grep -c line /srv/lines && grep first /srv/one && grep second /srv/two",
      "grep 'keeps .HOME' /srv/literal"
    ]
  },
  {
    name: "user",
    dockerfile: lines(
      "RUN echo app:x:1234:2345::/home/app:/bin/sh >>/etc/passwd && mkdir -p /home/app && chown 1234:2345 /home/app",
      "USER app",
      "RUN id && test $(id -u) = 1234 && touch /home/app/mine && ! touch /etc/not-mine",
      "WORKDIR /home/app"
    ),
    commands: ["test $(id -u):$(id -g) = 1234:2345 && test -O /home/app/mine && ! touch /etc/x"]
  },
  {
    name: "user-in-distribution",
    dockerfile: ({ base }) =>
      [
        `FROM ${base}`,
        "RUN useradd --create-home --uid 4321 app && groupadd --system workers && usermod -aG workers app",
        "USER app:workers",
        "RUN touch /home/app/mine && test $(stat -c %U:%G /home/app/mine) = app:workers"
      ].join("\n"),
    commands: ["test $(stat -c %u /home/app/mine) = 4321 && test $(id -un) = app"]
  },
  {
    name: "package",
    dockerfile: ({ base }) =>
      [
        `FROM ${base}`,
        "COPY tool.deb /tmp/",
        "RUN dpkg --install /tmp/tool.deb && rm /tmp/tool.deb && ldconfig && dpkg-query --show tool"
      ].join("\n"),
    prepare: `mkdir -p t/DEBIAN t/usr/bin && printf '#!/bin/sh\necho tool\n' >t/usr/bin/tool && chmod 755 t/usr/bin/tool
      printf 'Package: tool\nVersion: 1\nArchitecture: all\nMaintainer: t <t@example.com>\nDescription: t\n' >t/DEBIAN/control
      printf '#!/bin/sh\nset -e\nuseradd --system tool\ninstall -d -o tool -g tool -m 2750 /var/lib/tool\n' >t/DEBIAN/postinst
      chmod 755 t/DEBIAN/postinst && dpkg-deb --root-owner-group --build t tool.deb >&2 && rm -r t`,
    commands: ["tool && test $(stat -c %U:%a /var/lib/tool) = tool:2750"]
  },
  {
    name: "many-layers",
    dockerfile: lines(
      ...Array.from({ length: 60 }, (_, n) => `RUN echo ${n} >/tmp/layer-${n} && rm -f /tmp/layer-${n - 2}`)
    ),
    commands: ["test $(ls /tmp | wc -l) = 2 && grep 59 /tmp/layer-59"]
  },
  {
    name: "large-files",
    dockerfile: lines(
      "RUN dd if=/dev/urandom of=/srv-random bs=1M count=256 2>/dev/null && md5sum /srv-random >/sum",
      "RUN dd if=/dev/zero of=/srv-zeroes bs=1M count=512 2>/dev/null",
      "RUN dd if=/dev/zero of=/srv-sparse bs=1 count=1 seek=1073741823 2>/dev/null"
    ),
    commands: [
      "md5sum -c /sum",
      "test $(stat -c %s /srv-zeroes) = 536870912 && test $(stat -c %s /srv-sparse) = 1073741824"
    ],
    record: { resource_limits: { build: { memory: "1024" } } }
  },
  {
    name: "many-files",
    dockerfile: lines(
      'RUN for d in $(seq 50); do mkdir -p /many/$d; for f in $(seq 200); do echo "$d $f" >/many/$d/$f; done; done',
      "RUN rm -r /many/50"
    ),
    commands: ["test $(find /many -type f | wc -l) = 9800"]
  },
  {
    name: "hard-links",
    dockerfile: lines(
      "RUN mkdir /a /b && echo one >/a/1 && ln /a/1 /a/2 && ln /a/1 /b/3",
      "RUN echo two >>/b/3",
      "ADD links.tar /c/"
    ),
    prepare: "mkdir l && echo x >l/x && ln l/x l/y && tar -cf links.tar -C l . && rm -r l",
    commands: [
      "test $(stat -c %h /c/x) = 2 && test /c/x -ef /c/y",
      "grep two /b/3 && grep one /a/1 && test /a/1 -ef /a/2"
    ]
  },
  {
    name: "setuid-files",
    dockerfile: lines(
      "RUN cp /bin/busybox /bin/su-id && chmod 4755 /bin/su-id && cp /bin/busybox /bin/sg-id && chown 0:55 /bin/sg-id && chmod 2755 /bin/sg-id",
      "RUN mkdir /sticky && chmod 3777 /sticky",
      "COPY --chmod=4711 busybox /bin/copied",
      "USER 1000"
    ),
    commands: [
      "test $(stat -c %a:%a /bin/su-id) = 4755:4755 && test $(stat -c %a:%g /bin/sg-id) = 2755:55",
      "test $(stat -c %a /sticky) = 3777 && test $(stat -c %a /bin/copied) = 4711"
    ]
  },
  {
    name: "ownership",
    dockerfile: lines(
      "RUN mkdir -p /data/deep && echo x >/data/deep/file && ln -s file /data/deep/link",
      "RUN chown -R 33:44 /data && chown -h 55:66 /data/deep/link",
      "COPY --chown=1001:1002 busybox /owned/file",
      "RUN chown 65000:65000 /owned && chmod 0700 /owned"
    ),
    commands: [
      "test $(stat -c %u:%g /data/deep/file) = 33:44 && test $(stat -c %u:%g /data/deep/link) = 55:66",
      "test $(stat -c %u:%g /owned/file) = 1001:1002 && test $(stat -c %u:%g:%a /owned) = 65000:65000:700"
    ]
  },
  {
    name: "symbolic-links",
    dockerfile: lines(
      "COPY tree /tree",
      "RUN ln -s /tree/real /abs && ln -s nowhere /dangling && ln -s /tree /dir && echo more >/dir/more",
      "COPY busybox /dir/through"
    ),
    prepare:
      "mkdir -p tree/sub && echo r >tree/real && ln -s real tree/rel && ln -s ../real tree/sub/up && ln -s gone tree/gone",
    commands: [
      "grep r /tree/rel && grep r /tree/sub/up && test -h /tree/gone && grep r /abs && test -h /dangling",
      "grep more /tree/more && test -f /tree/through && test -h /dir"
    ]
  },
  {
    name: "whiteouts",
    dockerfile: lines(
      "RUN mkdir -p /w/a /w/b && touch /w/a/1 /w/a/2 /w/b/1 && echo file >/w/c",
      "RUN rm -r /w/a && mkdir /w/a && touch /w/a/3 && rm /w/c && mkdir /w/c && touch /w/c/in",
      "RUN rm -r /w/b && echo now-a-file >/w/b"
    ),
    commands: ["test $(ls /w/a) = 3 && test -d /w/c && test -f /w/c/in && grep now-a-file /w/b"]
  },
  {
    name: "odd-names",
    dockerfile: lines(
      'COPY ["with space", "/srv/with space"]',
      "COPY ünïcode /srv/",
      "COPY *.wild /srv/wild/",
      "RUN mkfifo /srv/fifo && touch '/srv/-dash' '/srv/new\\nline'"
    ),
    files: { "with space": "s\n", ünïcode: "u\n", "a.wild": "a\n", "b.wild": "b\n" },
    commands: ["grep s '/srv/with space' && grep u /srv/ünïcode && test -f /srv/wild/b.wild && test -p /srv/fifo"]
  },
  {
    name: "metadata",
    dockerfile: lines(
      'LABEL org.example.a="1" org.example.b="two words"',
      "EXPOSE 8080/tcp 53/udp",
      "VOLUME /volume",
      "STOPSIGNAL SIGINT",
      "HEALTHCHECK --interval=5s CMD true",
      'SHELL ["/bin/sh", "-euc"]',
      "RUN unset_is_an_error=${NOT_SET-fine} && test $unset_is_an_error = fine",
      "ONBUILD RUN echo later",
      "MAINTAINER somebody",
      'CMD ["-c", "exit 0"]',
      'ENTRYPOINT ["/bin/sh"]'
    )
  },
  {
    name: "dockerignore",
    dockerfile: lines("COPY . /srv/"),
    files: {
      ".dockerignore": "# comment\n**/*.log\nsecret\n!keep.log\nnode_modules\n",
      "a.log": "a\n",
      "keep.log": "k\n",
      "deep/b.log": "b\n",
      secret: "s\n",
      "node_modules/x": "x\n",
      "deep/file": "f\n"
    },
    commands: [
      "test ! -e /srv/a.log && test ! -e /srv/deep/b.log && test ! -e /srv/secret && test ! -e /srv/node_modules",
      "test -f /srv/keep.log && test -f /srv/deep/file"
    ]
  },
  {
    name: "run-mounts",
    dockerfile: lines(
      "RUN --mount=type=cache,target=/cache,id=c echo cached >/cache/file",
      "RUN --mount=type=cache,target=/cache,id=c cp /cache/file /from-cache",
      "RUN --mount=type=bind,source=plain,target=/bound cp /bound/file /from-bind",
      "RUN --mount=type=tmpfs,target=/fast echo x >/fast/x"
    ),
    files: { "plain/file": "plain\n" },
    commands: ["grep cached /from-cache && grep plain /from-bind && test ! -e /cache/file && test ! -e /fast/x"]
  },
  {
    name: "directives",
    dockerfile: () =>
      [
        "# syntax=docker/dockerfile:1",
        "# escape=\\",
        "",
        busybox,
        "# a comment",
        "run mkdir -p /srv \\",
        "  # a comment inside of a step",
        "",
        "  && echo one \\",
        "     two >/srv/out",
        'copy ["busybox", "/srv/"]'
      ].join("\n"),
    commands: ["grep 'one two' /srv/out && test -x /srv/busybox"]
  },
  {
    name: "copy-link",
    dockerfile: lines("COPY --link busybox /srv/"),
    commands: ["test -x /srv/busybox"],
    unsupported: "Buildah 1.39 of the builder image refuses COPY --link, which is BuildKit's"
  },
  {
    name: "subfolder",
    dockerfile: lines("COPY hello /usr/bin/hello"),
    files: { "services/app/hello": "#!/bin/sh\necho hello\n", "README.md": "not in the context\n" },
    prepare: "cp busybox services/app/",
    record: { dockerfile_path: "services/app/Dockerfile.prod", dockerfile_context: "services/app" },
    commands: ["hello"]
  }
]
