# Nomad's side, on servers and clients alike (1.10 and later). Servers sign the identities, clients log in with them.
# The agents' own token: CONSUL_HTTP_TOKEN in their environment, with nomad-agent.policy.hcl.
consul {
  address = "127.0.0.1:8500"

  service_identity {
    aud = ["consul.io"]
    ttl = "1h"
  }

  task_identity {
    aud = ["consul.io"]
    ttl = "1h"
  }
}
