import { scriptFailures } from "./ScriptFailure.ts"

const failureCases = Object.entries(scriptFailures)
  .map(([reason, { exitCode, message }]) => `    ${reason}) exit_code=${exitCode} message='${message}' ;;`)
  .join("\n")

/**
 * What the scripts of build, publish and cleanup have in common. POSIX sh with GNU coreutils.
 *
 * Long commands run in the background and are waited for: a shell that is process 1 ignores SIGTERM unless it traps it,
 * and runs a trap only between commands. What a user typed is only ever a quoted variable. No braces after a dollar, which
 * a client would take for a template: the text that an operator sees in Nomad is the text that runs.
 */
export const scriptPrelude = String.raw`set -uf
umask 022
LC_ALL=C
export LC_ALL
child=
scratch=
private=
began=
cgroup=/sys/fs/cgroup

# Nomad stops collecting output as soon as the container ends: what was written in the last moment would be lost.
finish() {
  trap '' TERM INT
  if [ -n "$scratch" ]; then rm -rf --one-file-system -- "$scratch"; fi
  if [ -n "$private" ]; then rm -rf -- "$private"; fi
  sleep 1
  exit "$1"
}

stopped() {
  trap '' TERM INT
  if [ -n "$child" ]; then
    kill -TERM "$child" 2>/dev/null
    wait "$child"
  fi
  echo 'jobforge: stopped by a signal' >&2
  finish 143
}
trap stopped TERM INT

await() {
  "$@" &
  child=$!
  result=0
  wait "$child" || result=$?
  child=
  return "$result"
}

# As await, and leaves what the command said on stderr in $scratch/errors, shown when it has ended.
kept() {
  "$@" 2>"$scratch/errors" &
  child=$!
  result=0
  wait "$child" || result=$?
  child=
  cat "$scratch/errors" >&2
  return "$result"
}

# As kept, but shown while the command runs. A process that the command left behind may hold the pipe for ever, so tee is
# waited for by the clock.
watched() {
  rm -f -- "$scratch/pipe"
  mkfifo "$scratch/pipe"
  (trap '' TERM INT; exec tee -- "$scratch/errors" <"$scratch/pipe" >&2) &
  tee=$!
  "$@" 2>"$scratch/pipe" &
  child=$!
  result=0
  wait "$child" || result=$?
  child=
  rounds=0
  while kill -0 "$tee" 2>/dev/null && [ "$rounds" -lt 40 ]; do
    sleep 0.05
    rounds=$((rounds + 1))
  done
  kill -KILL "$tee" 2>/dev/null
  return "$result"
}

said() {
  grep -Eqi -e "$1" "$scratch/errors"
}

# Readers never see half of a file.
write_file() {
  cat >"$NOMAD_ALLOC_DIR/$1.part" && mv -f -- "$NOMAD_ALLOC_DIR/$1.part" "$NOMAD_ALLOC_DIR/$1"
}

# What may be calculated with, or 0.
whole() {
  case $1 in
    '' | *[!0-9]* | ????????????????*) echo 0 ;;
    *) echo "$1" ;;
  esac
}

first_in() {
  head -c 20 -- "$1" 2>/dev/null
}

# What the container has used so far: thousandths of a core on average, bytes of memory at most, KiB of disk now; 0 for what
# the kernel doesn't tell. A root cgroup of version 2 is the machine's, and has no memory files.
measure() {
  if [ -z "$began" ]; then
    printf '{"cpu":0,"memory":0,"disk":0}'
    return 0
  fi
  memory=0
  for file in memory.peak memory.current memory/memory.max_usage_in_bytes; do
    if [ -r "$cgroup/$file" ]; then
      memory=$(whole "$(first_in "$cgroup/$file")")
      break
    fi
  done
  micros=0
  if [ -r "$cgroup/memory.peak" ] || [ -r "$cgroup/memory.current" ]; then
    micros=$(whole "$(sed -n 's/^usage_usec //p' "$cgroup/cpu.stat" 2>/dev/null)")
  elif [ -r "$cgroup/cpuacct/cpuacct.usage" ]; then
    micros=$(whole "$(first_in "$cgroup/cpuacct/cpuacct.usage" | sed 's/...$//')")
  fi
  elapsed=$(($(date +%s) - began))
  [ "$elapsed" -gt 0 ] || elapsed=1
  disk=$(whole "$(timeout 5 du -skx "$NOMAD_TASK_DIR" 2>/dev/null | cut -f 1)")
  printf '{"cpu":%s,"memory":%s,"disk":%s}' "$((micros / 1000 / elapsed))" "$memory" "$disk"
}

# fail REASON [EXIT CODE]
fail() {
  case $1 in
${failureCases}
  esac
  [ "$#" -lt 2 ] || exit_code=$2
  printf '{"reason":"%s","exitCode":%s,"message":"%s","usage":%s}\n' "$1" "$exit_code" "$message" "$(measure)" |
    write_file failure.json
  printf 'jobforge: %s: %s\n' "$1" "$message" >&2
  finish "$exit_code"
}

# Image references go into JSON as they are.
check_images() {
  [ "$#" -gt 0 ] || fail InvalidInput
  for image in "$@"; do
    case $image in
      '' | -* | *[!][A-Za-z0-9._/:@-]*) fail InvalidInput ;;
    esac
  done
}

json_list() {
  separator=
  for entry in "$@"; do
    printf '%s"%s"' "$separator" "$entry"
    separator=,
  done
}

begin() {
  rm -f -- "$NOMAD_ALLOC_DIR/result.json" "$NOMAD_ALLOC_DIR/failure.json"
  scratch=$(mktemp -d "$NOMAD_TASK_DIR/jobforge.XXXXXX") || { scratch=; fail InvalidInput; }
  : >"$scratch/errors"
  mkdir "$scratch/tmp"
  TMPDIR=$scratch/tmp
  export TMPDIR
  began=$(date +%s)
}

# Logins come from a file that a template made; TLS is verified but for the registries that are listed.
prepare_registries() {
  REGISTRY_AUTH_FILE=$NOMAD_SECRETS_DIR/auth.json
  if [ ! -f "$REGISTRY_AUTH_FILE" ]; then
    REGISTRY_AUTH_FILE=$scratch/auth.json
    echo '{}' >"$REGISTRY_AUTH_FILE"
  fi
  export REGISTRY_AUTH_FILE
  registries=$scratch/registries.conf
  echo 'unqualified-search-registries = ["docker.io"]' >"$registries"
  for host in $JOBFORGE_INSECURE_REGISTRIES; do
    case $host in
      *[!][A-Za-z0-9._:-]*) fail InvalidInput ;;
    esac
    printf '[[registry]]\nlocation = "%s"\ninsecure = true\n' "$host" >>"$registries"
  done
}

auth_refusals='unauthorized|authentication required|no basic auth credentials|invalid username/password|denied: |403 \(?forbidden'

blame_registry() {
  if said "$auth_refusals"; then
    fail RegistryAuthRefused
  elif said 'connection refused|no such host|i/o timeout|deadline exceeded|tls handshake|x509:|http response to https|connection reset|no route to host|network is unreachable'; then
    fail RegistryUnreachable
  fi
  fail "$1"
}

absent() {
  said 'manifest unknown|name unknown|image may not exist|repository name not known|unexpected status code .*404|status 404'
}

# Leaves the digest in $digest_seen, empty when the registry has no such image.
look_at() {
  digest_seen=
  if kept skopeo --registries-conf "$registries" inspect --no-tags --retry-times 3 --format '{{.Digest}}' "docker://$1" >"$scratch/seen"; then
    digest_seen=$(cat "$scratch/seen")
  else
    return 1
  fi
}

# taken COMMAND. A registry that keeps its blobs in files overlooks one that another push of the same repository writes anew in
# that moment, and refuses the manifest. The clients take that for final; the blobs are all there now, so again costs little.
taken() {
  for pause in 1 2 0; do
    watched "$@" && return 0
    said 'blob unknown|digest invalid' && [ "$pause" -gt 0 ] || return 1
    sleep "$pause"
  done
}

# copy_to SOURCE IMAGE, the source by digest: a tag that moved meanwhile changes nothing.
copy_to() {
  taken skopeo --registries-conf "$registries" copy --quiet --preserve-digests --retry-times 3 "docker://$1" "docker://$2" || {
    if said 'source image|initializing source|reading manifest' && absent; then fail SourceMissing; fi
    blame_registry PushFailed
  }
}

verify() {
  look_at "$1" || blame_registry DigestMismatch
  [ "$digest_seen" = "$2" ] || fail DigestMismatch
}
`
