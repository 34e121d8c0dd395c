# For `jobforge sync` (git2consul and Terraform need the first rule alone). For one team's folder, end both prefixes with it:
# "jobforge-service/jobs/team-a/".

key_prefix "jobforge-service/jobs/" {
  policy = "write"
}

key_prefix "jobforge-service/managed/" {
  policy = "write"
}
