# What build, test and publish steps may read: the secrets that jobs name, and nothing else.
# Nomad logs in for each step as the role nomad-workloads and renders its templates; the step itself never sees the token.
path "secret/data/nomad/jobs/*" {
  capabilities = ["read"]
}

# Nomad renews the token as soon as it has it, and goes without one where it may not. It doesn't revoke it: the token ends with
# its period, 30 minutes after the step's last renewal. The role does without Vault's policy "default", which has much more.
path "auth/token/renew-self" {
  capabilities = ["update"]
}
