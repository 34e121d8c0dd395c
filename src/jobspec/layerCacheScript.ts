/**
 * The build script's layer cache: below `$JOBFORGE_CACHE`, a folder a project with a store of its own.
 *
 * A killed build leaves its working containers in the store, and removing them would destroy those of a running build: so
 * each build holds `gate` shared, and cleaning happens only under the exclusive lock. The lock of a killed process is
 * released by the kernel. `gate` is never deleted, since two files of that name would be two locks.
 *
 * Layers live as long as an image above them does, hence the tag `localhost/jobforge-cache`.
 */
export const layerCacheScript = String.raw`
# with_store RUNNER COMMAND...
with_store() {
  runner=$1
  shift
  if [ -n "$storage_options" ]; then
    "$runner" buildah --root "$store/root" --runroot "$scratch/run" --registries-conf "$registries" \
      --storage-driver "$STORAGE_DRIVER" --storage-opt "$storage_options" "$@"
  else
    "$runner" buildah --root "$store/root" --runroot "$scratch/run" --registries-conf "$registries" \
      --storage-driver "$STORAGE_DRIVER" "$@"
  fi
}

# The files of a rootless store belong to subordinate ids.
as_store_owner() {
  if [ "$(id -u)" -eq 0 ]; then
    await "$@"
  else
    await buildah unshare "$@"
  fi
}

# Renamed first: a store of which half is deleted would break every later build.
empty_store() {
  if [ -e "$1/root" ]; then mv -- "$1/root" "$1/trash.$$.$(date +%s)"; fi
  echo 0 >"$1/size"
  sweep_store "$1"
}

sweep_store() {
  set +f
  for trash in "$1"/trash.*; do
    if [ -e "$trash" ]; then as_store_owner rm -rf --one-file-system -- "$trash"; fi
  done
  set -f
}

measure_store() {
  as_store_owner du -sm -- "$store/root" >"$scratch/usage" 2>/dev/null
  cut -f 1 "$scratch/usage" >"$store/size"
  used=$(cat "$store/size")
  [ -n "$used" ] || used=0
}

measure_cache() {
  set +f
  total=$(cat "$stores"/*/size 2>/dev/null | awk '{ sum += $1 } END { print sum + 0 }')
  set -f
}

# The least recently used first; a project that is being built is passed over.
shrink_others() {
  set +f
  set -- "$stores"/*/used
  set -f
  ls -tr -- "$@" >"$scratch/by-age"
  while read -r marker; do
    measure_cache
    [ "$total" -gt "$JOBFORGE_CACHE_LIMIT_MB" ] || break
    other=$(dirname -- "$marker")
    [ "$other" != "$store" ] || continue
    exec 8>>"$other/gate"
    if flock -n -x 8; then empty_store "$other"; fi
    exec 8>&-
  done <"$scratch/by-age"
}

limit_cache() {
  measure_store
  measure_cache
  [ "$total" -gt "$JOBFORGE_CACHE_LIMIT_MB" ] || return 0
  echo 'jobforge: the layer cache is above its limit' >&2
  with_store kept rmi --prune --force >/dev/null
  measure_store
  shrink_others
  if [ "$used" -gt "$JOBFORGE_CACHE_LIMIT_MB" ]; then empty_store "$store"; fi
}

# In the foreground: a signal to the shell waits until the command has ended.
unhindered() {
  result=0
  "$@" 2>"$scratch/errors" || result=$?
  cat "$scratch/errors" >&2
  return "$result"
}

# A removal that was broken off leaves a container that Buildah doesn't take for one of its own any more.
has_containers() {
  grep -qs '"id":' "$store/root/$STORAGE_DRIVER-containers/containers.json" \
    "$store/root/$STORAGE_DRIVER-containers/volatile-containers.json"
}

clean_store() {
  sweep_store "$store"
  if [ "$JOBFORGE_CLEAR_CACHE" = true ] || [ -e "$store/clear" ]; then
    empty_store "$store"
    rm -f -- "$store/clear"
  elif [ -e "$store/root" ]; then
    with_store unhindered rm --all >/dev/null
    if has_containers; then empty_store "$store"; else limit_cache; fi
  fi
}

open_layer_cache() {
  case $JOBFORGE_CACHE_KEY in
    '' | *[!0-9a-f]*) fail InvalidInput ;;
  esac
  stores=$JOBFORGE_CACHE/jobforge
  store=$stores/$JOBFORGE_CACHE_KEY
  storage_options=$(printenv STORAGE_OPTS) || storage_options=
  XDG_DATA_HOME=$store/data
  export XDG_DATA_HOME
  if mkdir -p -- "$XDG_DATA_HOME" && touch -- "$store/gate" "$store/used"; then :; else fail CacheUnusable; fi
  exec 9>>"$store/gate"
  if flock -n -x 9; then
    clean_store
  elif [ "$JOBFORGE_CLEAR_CACHE" = true ]; then
    touch -- "$store/clear"
  fi
  await flock -s 9 || fail CacheUnusable
}

keep_layers() {
  with_store await tag "$image_id" localhost/jobforge-cache:latest
}
`
