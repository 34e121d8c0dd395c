# For people and dashboards that look at jobs and their logs. Neither requests nor what records say in confidence.

key_prefix "jobforge-service/jobs/" {
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
