# What the service itself may do.

# At submission it looks whether the secrets that a job names are there. Metadata has no values.
path "secret/metadata/nomad/jobs/*" {
  capabilities = ["read"]
}

# It signs webhooks with keys that lie here (webhook_secret: vault:...), and takes the values that a step was given out of
# the step's log. Without this right both do without: such webhooks aren't sent, and logs lose only what looks like a
# credential, which the job's status says.
path "secret/data/nomad/jobs/*" {
  capabilities = ["read"]
}

# Its own token: how long it lives, to renew it, and to give it back at the end.
path "auth/token/lookup-self" {
  capabilities = ["read"]
}

path "auth/token/renew-self" {
  capabilities = ["update"]
}

path "auth/token/revoke-self" {
  capabilities = ["update"]
}
