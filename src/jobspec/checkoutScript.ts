/**
 * The build script's way from a repository to a checkout of one commit. Sets `commit`, `dockerfile`, `context`.
 *
 * Credentials are files that templates made: a key, which ssh reads, and a name and password or token, which a credential
 * helper hands to Git for the repository's own host and no other, so that a submodule elsewhere gets none. They are deleted
 * before anything from the repository runs.
 */
export const checkoutScript = String.raw`
prepare_git() {
  checkout=$scratch/checkout
  GIT_TERMINAL_PROMPT=0
  GIT_CONFIG_GLOBAL=$scratch/gitconfig
  GIT_SSH_VARIANT=ssh
  export GIT_TERMINAL_PROMPT GIT_CONFIG_GLOBAL GIT_SSH_VARIANT
  : >"$GIT_CONFIG_GLOBAL"
  unset SSH_AUTH_SOCK SSH_ASKPASS GIT_ASKPASS
  prepare_ssh
  prepare_token
}

prepare_ssh() {
  private=$NOMAD_SECRETS_DIR/jobforge-ssh
  rm -rf -- "$private"
  (umask 077 && mkdir -- "$private") || fail InvalidInput
  JOBFORGE_KNOWN_HOSTS=$private/known_hosts
  JOBFORGE_SSH_KEY=$private/key
  export JOBFORGE_KNOWN_HOSTS JOBFORGE_SSH_KEY
  host_keys=$JOBFORGE_SSH_HOST_KEYS
  : >"$JOBFORGE_KNOWN_HOSTS"
  if [ -s "$NOMAD_SECRETS_DIR/git-known-hosts" ]; then
    cat -- "$NOMAD_SECRETS_DIR/git-known-hosts" >"$JOBFORGE_KNOWN_HOSTS"
    host_keys=yes
  fi
  GIT_SSH_COMMAND='ssh -F none -o BatchMode=yes -o ConnectTimeout=20 -o IdentityAgent=none -o IdentitiesOnly=yes'
  GIT_SSH_COMMAND="$GIT_SSH_COMMAND -o StrictHostKeyChecking=$host_keys"
  GIT_SSH_COMMAND="$GIT_SSH_COMMAND"' -o UserKnownHostsFile="\"$JOBFORGE_KNOWN_HOSTS\""'
  if [ -s "$NOMAD_SECRETS_DIR/git-ssh-key" ]; then
    # A key without its last newline, or with carriage returns, is no key to ssh.
    (umask 077 && { tr -d '\r' <"$NOMAD_SECRETS_DIR/git-ssh-key" && echo; } >"$JOBFORGE_SSH_KEY")
    GIT_SSH_COMMAND="$GIT_SSH_COMMAND"' -i "$JOBFORGE_SSH_KEY"'
  fi
  export GIT_SSH_COMMAND
}

prepare_token() {
  [ -s "$NOMAD_SECRETS_DIR/git-password" ] || return 0
  origin=$(printf '%s\n' "$JOBFORGE_REPO_URL" | sed -n 's|^\(https\{0,1\}://\)\([^/@]*@\)\{0,1\}\([^/]*\).*|\1\3|p')
  [ -n "$origin" ] || return 0
  JOBFORGE_CREDENTIAL_HELPER=$scratch/credential
  export JOBFORGE_CREDENTIAL_HELPER
  cat >"$JOBFORGE_CREDENTIAL_HELPER" <<'HELPER'
[ "$1" = get ] || exit 0
name=x-access-token
if [ -s "$NOMAD_SECRETS_DIR/git-username" ]; then name=$(cat -- "$NOMAD_SECRETS_DIR/git-username"); fi
printf 'username=%s\npassword=%s\n' "$name" "$(cat -- "$NOMAD_SECRETS_DIR/git-password")"
HELPER
  git config --file "$GIT_CONFIG_GLOBAL" "credential.$origin.helper" '!sh "$JOBFORGE_CREDENTIAL_HELPER"'
}

forget_credentials() {
  rm -rf -- "$private" "$NOMAD_SECRETS_DIR/git-ssh-key" "$NOMAD_SECRETS_DIR/git-known-hosts" \
    "$NOMAD_SECRETS_DIR/git-username" "$NOMAD_SECRETS_DIR/git-password"
}

blame_git() {
  if said 'host key verification failed|remote host identification has changed'; then
    fail HostKeyRefused
  elif said 'repository .* not found|repository not found|does not appear to be a git repository|not a git repository|error: 404'; then
    fail RepositoryNotFound
  elif said 'authentication failed|could not read (username|password)|permission denied|invalid credentials|access denied|error: 40[13]'; then
    fail GitAuthRefused
  elif said 'find remote ref|not our ref|no such remote ref|unadvertised object|unable to find remote'; then
    fail RefNotFound
  fi
  fail "$1"
}

# Heads before tags, as git clone --branch has it. Empty when the server shows no such name.
find_ref() {
  ref=$JOBFORGE_GIT_REF
  kept git ls-remote -q -- "$JOBFORGE_REPO_URL" "$ref" "refs/heads/$ref" "refs/tags/$ref" "refs/$ref" >"$scratch/refs" ||
    blame_git RepositoryUnreachable
  cut -f 2 "$scratch/refs" >"$scratch/names"
  for name in "$ref" "refs/heads/$ref" "refs/tags/$ref" "refs/$ref"; do
    case $name in
      refs/* | HEAD) if grep -Fxq -e "$name" "$scratch/names"; then return 0; fi ;;
    esac
  done
  name=
}

is_object_name() {
  case $ref in
    *[!0-9a-f]*) return 1 ;;
  esac
  [ "$(printf '%s' "$ref" | wc -c)" -ge 7 ]
}

fetch() {
  kept git -C "$checkout" fetch -q --no-tags --no-recurse-submodules "$@"
}

# Servers that speak the dumb protocol can't do it shallow.
fetch_ref() {
  fetch --depth 1 origin "+$name:refs/jobforge/target" && return 0
  said 'shallow|depth|dumb' || return 1
  fetch origin "+$name:refs/jobforge/target"
}

# Many servers give a commit by its name; from the others, and for a shortened name, everything is fetched.
fetch_commit() {
  if [ "$(printf '%s' "$ref" | wc -c)" -ge 40 ] && fetch --depth 1 origin "+$ref:refs/jobforge/target" 2>/dev/null; then return 0; fi
  fetch origin '+refs/*:refs/jobforge/all/*' || blame_git RepositoryUnreachable
  commit=$(git -C "$checkout" rev-parse --verify --quiet "$ref^{commit}") || fail RefNotFound
  git -C "$checkout" update-ref refs/jobforge/target "$commit" || fail RefNotFound
}

fetch_submodules() {
  [ -f "$checkout/.gitmodules" ] || return 0
  kept git -C "$checkout" submodule update -q --init --recursive --depth 1 && return 0
  kept git -C "$checkout" submodule update -q --init --recursive || fail SubmoduleUnavailable
}

check_out() {
  case $JOBFORGE_REPO_URL$JOBFORGE_GIT_REF in
    -*) fail InvalidInput ;;
  esac
  case $JOBFORGE_GIT_REF in
    '' | -*) fail InvalidInput ;;
  esac
  prepare_git
  find_ref
  git -c init.defaultBranch=main init -q "$checkout"
  git -C "$checkout" remote add -- origin "$JOBFORGE_REPO_URL"
  if [ -n "$name" ]; then
    fetch_ref || blame_git RepositoryUnreachable
  elif is_object_name; then
    fetch_commit
  else
    fail RefNotFound
  fi
  commit=$(git -C "$checkout" rev-parse --verify --quiet 'refs/jobforge/target^{commit}') || fail RefNotFound
  kept git -C "$checkout" checkout -q --detach "$commit" || fail RepositoryUnreachable
  fetch_submodules
  forget_credentials
  printf 'jobforge: building commit %s\n' "$commit"
}

# inside PATH MISSING: its real path in $found, if it lies in the checkout whatever symbolic links do.
inside() {
  top=$(realpath -e -- "$checkout")
  found=$(realpath -e -- "$checkout/$1" 2>/dev/null) || fail "$2"
  case $found in
    "$top" | "$top"/*) ;;
    *) fail PathEscapes ;;
  esac
}

find_build_files() {
  inside "$JOBFORGE_DOCKERFILE" DockerfileMissing
  dockerfile=$found
  [ -f "$dockerfile" ] || fail DockerfileMissing
  inside "$JOBFORGE_CONTEXT" ContextMissing
  context=$found
  [ -d "$context" ] || fail ContextMissing
}
`
