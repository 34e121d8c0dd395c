import { scriptPrelude } from "./scriptPrelude.ts"

/**
 * Copies an image to every tag. Arguments: the tags, the job id's first. Environment: `JOBFORGE_SOURCE`
 * (`repository@digest`) and `JOBFORGE_DIGEST`.
 *
 * The job id's tag is looked at first and moved last: where it shows the digest, everything before it was done.
 */
export const publishScript =
  scriptPrelude +
  String.raw`
publish_rest() {
  marker=$1
  shift
  for image in "$@"; do
    copy_to "$JOBFORGE_SOURCE" "$image"
  done
  copy_to "$JOBFORGE_SOURCE" "$marker"
  for image in "$marker" "$@"; do
    verify "$image" "$JOBFORGE_DIGEST"
  done
}

begin
check_images "$@" "$JOBFORGE_SOURCE" "$JOBFORGE_DIGEST"
prepare_registries

if look_at "$1" 2>/dev/null && [ "$digest_seen" = "$JOBFORGE_DIGEST" ]; then
  echo 'jobforge: an earlier attempt has published this image' >&2
else
  publish_rest "$@"
fi
for image in "$@"; do
  printf 'Published image: %s\n' "$image"
done
printf '{"digest":"%s","images":[%s],"usage":%s}\n' "$JOBFORGE_DIGEST" "$(json_list "$@")" "$(measure)" |
  write_file result.json
echo 'All images published successfully'
finish 0
`
