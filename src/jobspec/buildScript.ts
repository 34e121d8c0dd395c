import { checkoutScript } from "./checkoutScript.ts"
import { layerCacheScript } from "./layerCacheScript.ts"
import { scriptPrelude } from "./scriptPrelude.ts"

/**
 * Clones, builds and pushes. Arguments: the images to push, either the temporary one or, for a job without tests, the final
 * ones with the job id's first. `buildSpec` has the environment.
 *
 * Of final images the first is looked at first and pushed last, as in the publish script; the label that names the commit
 * tells that it comes from here. The others get the first one's bytes by digest.
 */
export const buildScript =
  scriptPrelude +
  layerCacheScript +
  checkoutScript +
  String.raw`
blame_build() {
  if [ "$1" -eq 125 ] && said 'initializing source docker://|pinging container registry|creating build container.*(manifest|image|registry)'; then
    if absent; then fail BaseImageMissing; fi
    if said "$auth_refusals"; then fail RegistryAuthRefused; fi
    fail BaseImageUnavailable
  fi
  if said '^error: (mounting new container|creating build container: mounting)'; then fail CacheUnusable; fi
  fail BuildFailed "$1"
}

# Buildah reads --file as a line of CSV: unquoted, a comma in a path would name a second file, anywhere on the disk.
csv_field() {
  printf '"%s"' "$(printf '%s' "$1" | sed 's/"/""/g')"
}

build_image() {
  set -- --isolation "$BUILDAH_ISOLATION" --layers --force-rm --format "$JOBFORGE_FORMAT" --iidfile "$scratch/image" \
    --label "org.opencontainers.image.revision=$commit" --label "org.opencontainers.image.source=$JOBFORGE_REPO_URL" \
    --file "$(csv_field "$dockerfile")"
  [ "$JOBFORGE_CLEAR_CACHE" = false ] || set -- "$@" --no-cache
  if with_store watched bud "$@" "$context"; then :; else blame_build "$?"; fi
  image_id=$(cat "$scratch/image")
}

push_image() {
  with_store taken push --digestfile "$scratch/digest" "$image_id" "docker://$1" || blame_registry PushFailed
  digest=$(cat "$scratch/digest")
  case $digest in
    sha256:*) ;;
    *) fail PushFailed ;;
  esac
}

done_with() {
  images=$(json_list "$@")
  printf '{"digest":"%s","commit":"%s","images":[%s],"usage":%s}\n' "$digest" "$commit" "$images" "$(measure)" |
    write_file result.json
  if [ "$JOBFORGE_TARGET" = final ]; then
    for image in "$@"; do
      printf 'Published image: %s\n' "$image"
    done
  fi
  echo 'Build completed successfully'
  finish 0
}

already_published() {
  kept skopeo --registries-conf "$registries" inspect --no-tags \
    --format '{{.Digest}} {{index .Labels "org.opencontainers.image.revision"}}' "docker://$1" \
    >"$scratch/seen" 2>/dev/null || return 1
  commit_seen=$(cut -d ' ' -f 2 "$scratch/seen")
  case $commit_seen in
    '' | *[!0-9a-f]*) return 1 ;;
  esac
  commit=$commit_seen
  digest=$(cut -d ' ' -f 1 "$scratch/seen")
}

# A node that lost contact may run a second copy of this step. The first that sets the marker decides what the run has
# published: the other takes its digest, and gives back what it has moved itself.
push_final() {
  marker=$1
  shift
  if ! already_published "$marker"; then
    if [ "$#" -eq 0 ]; then push_image "$marker"; else push_image "$1"; fi
  fi
  if [ "$#" -gt 0 ]; then
    already_published "$marker" || :
    repository=$(printf '%s' "$marker" | sed 's|:[^:/]*$||')
    for image in "$@" "$marker"; do
      copy_to "$repository@$digest" "$image"
    done
  fi
  for image in "$marker" "$@"; do
    verify "$image" "$digest"
  done
}

begin
check_images "$@"
prepare_registries
if [ "$JOBFORGE_TARGET" = final ] && already_published "$1"; then
  echo 'jobforge: an earlier attempt has built and published this image' >&2
  done_with "$@"
fi
open_layer_cache
check_out
find_build_files
build_image
keep_layers
if [ "$JOBFORGE_TARGET" = final ]; then
  push_final "$@"
else
  push_image "$1"
fi
done_with "$@"
`
