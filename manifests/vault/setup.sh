#!/bin/sh
# Sets Vault (or OpenBao) up for Job Forge on Nomad 1.10 and later: policies, the JWT login of Nomad's workloads, roles.
# It can be run again: what is there already is brought up to date, and secrets are left alone.
#
#   VAULT_ADDR, VAULT_TOKEN   where, and as whom: a token that may write policies, mounts and auth methods
#   NOMAD_ADDR                a Nomad server as Vault reaches it; its /.well-known/jwks.json verifies the identities
#   VAULT_BIN                 the program; vault, else bao, when it is left out
#   KV_MOUNT=secret           the KV engine of version 2 with the secrets, made when there is none
#   KV_PREFIX=nomad/jobs      the folder in it that jobs may name
#   JWT_MOUNT=jwt-nomad       as jwt_auth_backend_path of Nomad's agents
#   JWKS_CA                   a PEM file, where NOMAD_ADDR is https with a certificate of one's own
#   NOMAD_NAMESPACE=default   of the service and its steps
#   SERVICE_JOB=jobforge      the name of the service's own Nomad job
#   APPROLE=                  set to 1 to have an AppRole for a service that runs outside of Nomad, too
set -eu

here=$(cd "$(dirname "$0")" && pwd)
mount=${KV_MOUNT:-secret}
prefix=${KV_PREFIX:-nomad/jobs}
jwt=${JWT_MOUNT:-jwt-nomad}
namespace=${NOMAD_NAMESPACE:-default}
service=${SERVICE_JOB:-jobforge}

say() { printf '%s\n' "$*" >&2; }
fail() { say "setup.sh: $*"; exit 1; }

vault=${VAULT_BIN:-$(command -v vault || command -v bao || true)}
[ -n "$vault" ] || fail "neither vault nor bao is on the PATH; name the program in VAULT_BIN"
[ -n "${VAULT_ADDR:-}" ] || fail "VAULT_ADDR is not set"
[ -n "${NOMAD_ADDR:-}" ] || fail "NOMAD_ADDR is not set: Vault verifies the identities of Nomad's workloads there"
for value in "$mount" "$prefix" "$jwt" "$namespace" "$service"; do
  case $value in
    '' | /* | */ | *[!A-Za-z0-9._/-]*) fail "\"$value\" can't be: letters, digits and ._/- without a / at either end" ;;
  esac
done

# The files are as they are for the defaults. Nothing in these names means something to sed but what stands here.
adapted() {
  sed -e "s|\"secret/data/nomad/jobs/|\"$mount/data/$prefix/|" \
    -e "s|\"secret/metadata/nomad/jobs/|\"$mount/metadata/$prefix/|" \
    -e "s|\"nomad_namespace\": \"default\"|\"nomad_namespace\": \"$namespace\"|" \
    -e "s|\"nomad_job_id\": \"jobforge\"|\"nomad_job_id\": \"$service\"|" "$here/$1"
}

"$vault" token lookup >/dev/null || fail "VAULT_TOKEN is no token that $VAULT_ADDR takes"

"$vault" secrets list -format=json | grep -q "\"$mount/\": " ||
  "$vault" secrets enable -path="$mount" -version=2 kv >&2

for policy in jobforge-service jobforge-jobs; do
  adapted "$policy.policy.hcl" | "$vault" policy write "$policy" - >&2
done

"$vault" auth list -format=json | grep -q "\"$jwt/\": " || "$vault" auth enable -path="$jwt" jwt >&2
set -- jwks_url="${NOMAD_ADDR%/}/.well-known/jwks.json" jwt_supported_algs=RS256,EdDSA default_role=nomad-workloads
[ -z "${JWKS_CA:-}" ] || set -- "$@" jwks_ca_pem="@$JWKS_CA"
"$vault" write "auth/$jwt/config" "$@" >&2 ||
  fail "Vault must reach ${NOMAD_ADDR%/}/.well-known/jwks.json: see to NOMAD_ADDR, and to JWKS_CA with https"
for role in nomad-workloads jobforge-service; do
  adapted "$role.role.json" | "$vault" write "auth/$jwt/role/$role" - >&2
done

if [ "${APPROLE:-}" = 1 ]; then
  "$vault" auth list -format=json | grep -q '"approle/": ' || "$vault" auth enable approle >&2
  "$vault" write auth/approle/role/jobforge-service - <"$here/jobforge-service.approle.json" >&2
  say "The service's VAULT_ROLE_ID: $("$vault" read -field=role_id auth/approle/role/jobforge-service/role-id)"
  say "Make its VAULT_SECRET_ID with: $vault write -f -field=secret_id auth/approle/role/jobforge-service/secret-id"
fi
say "Vault is ready. Nomad's agents need the vault block of nomad-agent.hcl."
