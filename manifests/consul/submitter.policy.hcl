# For people and pipelines that submit jobs, by `consul kv put` as by the service with AUTH_MODE=consul, and follow them.

key_prefix "jobforge-service/jobs/" {
  policy = "write"
}

key_prefix "jobforge-service/requests/" {
  policy = "write"
}

# Over HTTP: the same Idempotency-Key is the same job, and a webhook's secret is kept apart from its record.
key_prefix "jobforge-service/idempotency/" {
  policy = "write"
}

key_prefix "jobforge-service/confidential/" {
  policy = "write"
}

key_prefix "jobforge-service/slots/" {
  policy = "read"
}

key_prefix "jobforge-service/status/" {
  policy = "read"
}

key_prefix "jobforge-service/archive/" {
  policy = "read"
}

key_prefix "jobforge-service/logs/" {
  policy = "read"
}

key_prefix "jobforge-service/log-index/" {
  policy = "read"
}

# The command line finds the service in the catalog.
service "jobforge-service" {
  policy = "read"
}

node_prefix "" {
  policy = "read"
}
