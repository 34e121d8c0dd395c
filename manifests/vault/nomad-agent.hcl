# Nomad's side, on servers and clients alike (1.10 and later). Servers sign the identities, clients log in with them.
vault {
  enabled               = true
  address               = "http://127.0.0.1:8200"
  jwt_auth_backend_path = "jwt-nomad"

  default_identity {
    aud = ["vault.io"]
    ttl = "1h"
  }
}
