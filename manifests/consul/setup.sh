#!/bin/sh
# Sets Consul's ACLs up for Job Forge on Nomad 1.10 and later: policies, the JWT login of Nomad's workloads, the service's
# role. It can be run again: what is there already is brought up to date. It needs consul and jq.
# Nomad's servers must run already: Consul asks them for their keys. For their agents' token there is
# `consul acl policy create -name nomad-agent -rules @nomad-agent.policy.hcl` before.
#
#   CONSUL_HTTP_ADDR, CONSUL_HTTP_TOKEN   where, and as whom: a token with acl = "write"
#   NOMAD_ADDR              a Nomad server as Consul's servers reach it; its /.well-known/jwks.json verifies the identities
#   CONSUL_BIN=consul       the program
#   PREFIX=jobforge-service   as the service's CONSUL_KEY_PREFIX
#   NOMAD_NAMESPACE=default   of the service
#   SERVICE_JOB=jobforge      the name of the service's own Nomad job
#   AUTH_METHOD=nomad-workloads   the login's name, as Nomad expects it
#   JWKS_CA                 a PEM file, where NOMAD_ADDR is https with a certificate of one's own
set -eu

here=$(cd "$(dirname "$0")" && pwd)
prefix=${PREFIX:-jobforge-service}
namespace=${NOMAD_NAMESPACE:-default}
service=${SERVICE_JOB:-jobforge}
method=${AUTH_METHOD:-nomad-workloads}
consul=${CONSUL_BIN:-consul}

say() { printf '%s\n' "$*" >&2; }
fail() { say "setup.sh: $*"; exit 1; }

command -v "$consul" >/dev/null || fail "no $consul on the PATH; name the program in CONSUL_BIN"
command -v jq >/dev/null || fail "jq is not on the PATH"
[ -n "${NOMAD_ADDR:-}" ] || fail "NOMAD_ADDR is not set: Consul verifies the identities of Nomad's workloads there"
for value in "$prefix" "$namespace" "$service" "$method"; do
  case $value in
    '' | /* | */ | *[!A-Za-z0-9._/-]*) fail "\"$value\" can't be: letters, digits and ._/- without a / at either end" ;;
  esac
done
"$consul" acl policy list >/dev/null || fail "CONSUL_HTTP_TOKEN is no token that may write ACLs there"

# A name is looked for in the list: reading what isn't there is an error like any other.
exists() { "$consul" acl "$1" list -format=json | jq -e --arg name "$2" 'any(.[]; .Name == $name)' >/dev/null; }

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

for policy in service submitter reader gitops nomad-agent; do
  case $policy in
    service) name=jobforge-service ;;
    nomad-agent) name=nomad-agent ;;
    *) name=jobforge-$policy ;;
  esac
  sed "s|key_prefix \"jobforge-service/|key_prefix \"$prefix/|" "$here/$policy.policy.hcl" >"$scratch/rules.hcl"
  if exists policy "$name"; then
    "$consul" acl policy update -name "$name" -rules "@$scratch/rules.hcl" -no-merge >/dev/null
  else
    "$consul" acl policy create -name "$name" -rules "@$scratch/rules.hcl" >/dev/null
  fi
done

exists role jobforge-service ||
  "$consul" acl role create -name jobforge-service -policy-name jobforge-service \
    -description 'Job Forge, as the Nomad job that runs it' >/dev/null

ca=
[ -z "${JWKS_CA:-}" ] || ca=$(cat -- "$JWKS_CA")
jq --null-input --arg url "${NOMAD_ADDR%/}/.well-known/jwks.json" --arg ca "$ca" '{
  JWKSURL: $url, JWKSCACert: $ca, JWTSupportedAlgs: ["RS256"], BoundAudiences: ["consul.io"],
  ClaimMappings: {
    nomad_namespace: "nomad_namespace", nomad_job_id: "nomad_job_id",
    nomad_task: "nomad_task", nomad_service: "nomad_service"
  }
}' >"$scratch/method.json"
if exists auth-method "$method"; then
  "$consul" acl auth-method update -name "$method" -config "@$scratch/method.json" >/dev/null
else
  "$consul" acl auth-method create -name "$method" -type jwt -config "@$scratch/method.json" \
    -description 'Identities of Nomad workloads' >/dev/null ||
    fail "Consul's servers must reach ${NOMAD_ADDR%/}/.well-known/jwks.json: see to NOMAD_ADDR, and to JWKS_CA with https"
fi

# bind TYPE NAME SELECTOR: the rule is known by what it binds and for whom.
bind() {
  "$consul" acl binding-rule list -method "$method" -format=json |
    jq -e --arg type "$1" --arg name "$2" --arg selector "$3" \
      'any(.[]; .BindType == $type and .BindName == $name and .Selector == $selector)' >/dev/null ||
    "$consul" acl binding-rule create -method "$method" -bind-type "$1" -bind-name "$2" -selector "$3" >/dev/null
}

# Any job's services by their names, as `nomad setup consul` has it; the service's own rights for its own job alone.
# shellcheck disable=SC2016 # Consul fills it in.
bind service '${value.nomad_service}' '"nomad_service" in value'
bind role jobforge-service \
  "\"nomad_service\" not in value and value.nomad_namespace == \"$namespace\" and value.nomad_job_id == \"$service\""
say "Consul is ready. Nomad's agents need the consul block of nomad-agent.hcl."
