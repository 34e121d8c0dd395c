# What build, test and publish steps may read: the secrets that jobs name, and nothing else.
# Nomad logs in for each step as the role nomad-workloads, renders its templates, and throws the token away;
# the step itself never sees the token.
path "secret/data/nomad/jobs/*" {
  capabilities = ["read"]
}

# Nomad renews and revokes the token that it got. The role does without Vault's policy "default", which has much more.
path "auth/token/renew-self" {
  capabilities = ["update"]
}

path "auth/token/revoke-self" {
  capabilities = ["update"]
}
