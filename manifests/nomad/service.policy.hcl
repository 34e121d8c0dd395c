# What the service may do in Nomad. Given to the identity of the service's own job, so that it needs no token:
#
#   nomad acl policy apply -namespace default -job jobforge jobforge-service manifests/nomad/service.policy.hcl
#
# A service that runs outside of Nomad brings a token in NOMAD_TOKEN:
#
#   nomad acl policy apply jobforge-service manifests/nomad/service.policy.hcl
#   nomad acl token create -name jobforge -policy jobforge-service
#
# Best in a namespace of its own: within one, whoever may register a job may use the clients' cache volume and Vault role.
namespace "default" {
  capabilities = [
    "list-jobs",  # finds what belongs to no job of its own
    "read-job",   # follows its steps: jobs, allocations, evaluations, events
    "submit-job", # registers and stops them
    "read-fs",    # a step tells its result in a file; logs are files, too
  ]
}

# The layer caches.
host_volume "buildah-cache" {
  policy = "write"
}
