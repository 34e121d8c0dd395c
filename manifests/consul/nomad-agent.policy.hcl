# For the token of Nomad's own agents (consul.token of their configuration). The services of jobs are registered with the
# identities of these jobs, not with it.
agent_prefix "" {
  policy = "read"
}

node_prefix "" {
  policy = "read"
}

service_prefix "" {
  policy = "write"
}
