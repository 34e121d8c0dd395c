# What the service itself may do. Its role is bound to the Nomad job "jobforge" by setup.sh.

# Records, statuses, logs, requests, the office of the leader: all of it lies below one prefix.
key_prefix "jobforge-service/" {
  policy = "write"
}

# Settings, and who may ask with which token: these are the operators'.
key_prefix "jobforge-service/config/" {
  policy = "read"
}

# Who keeps a record equal to a file: between `jobforge sync` and Consul alone.
key_prefix "jobforge-service/managed/" {
  policy = "deny"
}

# The office is held by a session of the node that a replica runs on, whichever that is.
session_prefix "" {
  policy = "write"
}

# The check that the session is bound to: without it a leader that crashed is followed after 21 seconds in place of 4.
service "jobforge-candidate" {
  policy = "write"
}
