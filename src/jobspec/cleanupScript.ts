import { scriptPrelude } from "./scriptPrelude.ts"

/**
 * Deletes a temporary image by its digest. Argument: the image.
 *
 * Deleting by digest takes every tag of it along, which is right here and only here: the repository of a temporary image
 * belongs to one job.
 */
export const cleanupScript =
  scriptPrelude +
  String.raw`
gone() {
  printf '{"image":"%s"}\n' "$1" | write_file result.json
  echo 'Cleanup completed successfully'
  finish 0
}

begin
check_images "$@"
prepare_registries

if ! kept skopeo --registries-conf "$registries" delete --retry-times 3 "docker://$1"; then
  if absent; then gone "$1"; fi
  if said 'unsupported|405|method not allowed'; then fail DeletionDisabled; fi
  blame_registry DeletionFailed
fi
if look_at "$1" 2>/dev/null; then fail DeletionFailed; fi
absent || blame_registry DeletionFailed
gone "$1"
`
