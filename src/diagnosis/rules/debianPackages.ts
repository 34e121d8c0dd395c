/** The package of Debian that has the command, where it is called otherwise. */
export const packageOf = (command: string): string => {
  const name = command.replace(/^\w{1,20}-linux-(?:gnu|musl)\w{0,10}-/, "")
  return commands[name] ?? name
}

/** The package of Debian that has the header file, if it is a common one. */
export const packageOfHeader = (header: string): string | undefined =>
  headers.find(([beginning]) => header.startsWith(beginning))?.[1]

const commands: Readonly<Record<string, string>> = {
  "c++": "g++",
  cc: "gcc",
  cargo: "cargo",
  convert: "imagemagick",
  dig: "dnsutils",
  envsubst: "gettext-base",
  ffprobe: "ffmpeg",
  go: "golang-go",
  gpg: "gnupg",
  ifconfig: "net-tools",
  ip: "iproute2",
  java: "default-jre-headless",
  javac: "default-jdk-headless",
  ld: "binutils",
  mvn: "maven",
  mysql: "default-mysql-client",
  nc: "netcat-openbsd",
  netstat: "net-tools",
  node: "nodejs",
  nslookup: "dnsutils",
  pg_config: "libpq-dev",
  pg_isready: "postgresql-client",
  php: "php-cli",
  ping: "iputils-ping",
  pip: "python3-pip",
  pip3: "python3-pip",
  protoc: "protobuf-compiler",
  ps: "procps",
  psql: "postgresql-client",
  python: "python-is-python3",
  "redis-cli": "redis-tools",
  ssh: "openssh-client",
  strings: "binutils",
  top: "procps",
  xxd: "xxd",
  xz: "xz-utils"
}

const headers: ReadonlyArray<readonly [string, string]> = [
  ["Python.h", "python3-dev"],
  ["openssl/", "libssl-dev"],
  ["zlib.h", "zlib1g-dev"],
  ["curl/", "libcurl4-openssl-dev"],
  ["libpq-fe.h", "libpq-dev"],
  ["postgres", "libpq-dev"],
  ["mysql", "default-libmysqlclient-dev"],
  ["ffi.h", "libffi-dev"],
  ["libxml/", "libxml2-dev"],
  ["libxslt/", "libxslt1-dev"],
  ["sqlite3.h", "libsqlite3-dev"],
  ["jpeglib.h", "libjpeg-dev"],
  ["png.h", "libpng-dev"],
  ["readline/", "libreadline-dev"],
  ["ncurses", "libncurses-dev"],
  ["boost/", "libboost-all-dev"],
  ["yaml.h", "libyaml-dev"],
  ["bzlib.h", "libbz2-dev"],
  ["lzma.h", "liblzma-dev"],
  ["gmp.h", "libgmp-dev"],
  ["uuid/", "uuid-dev"],
  ["ldap.h", "libldap2-dev"],
  ["sasl/", "libsasl2-dev"],
  ["linux/", "linux-libc-dev"],
  ["stdio.h", "libc6-dev"],
  ["stdlib.h", "libc6-dev"]
]
