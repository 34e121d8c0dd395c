# The service as a Nomad job: three replicas, of which one leads (README, "Run as many as you like").
#
#   nomad job run -var image=registry.example.com/jobforge/service:0.1.0 \
#     -var builder_image=registry.example.com/jobforge/builder:0.1.0 manifests/jobforge-service.nomad.hcl
#
# Before it: manifests/consul/setup.sh, manifests/nomad/service.policy.hcl (its first lines say how) and manifests/vault/setup.sh.
# It has no token in it: Nomad gives each replica an identity, with which it logs in to Consul and Vault.

variable "image" {
  type        = string
  description = "The service's image, as scripts/push-image has pushed it."
}

variable "builder_image" {
  type        = string
  description = "The image of manifests/builder, in a registry that every client can pull from."
}

variable "datacenters" {
  type        = list(string)
  default     = ["dc1"]
  description = "Where the replicas and the builds may run."
}

variable "namespace" {
  type        = string
  default     = "default"
  description = "Of the service and of the builds: the ACL policy and the Consul and Vault roles name it, too."
}

variable "count" {
  type    = number
  default = 3
}

variable "consul_address" {
  type        = string
  default     = "127.0.0.1:8500"
  description = "The Consul agent of each client. A local agent, not a load balancer: the leader's check is bound to it."
}

variable "consul_acl" {
  type        = bool
  default     = true
  description = "Log in to Consul with the workload's identity (manifests/consul/setup.sh)."
}

variable "vault_address" {
  type        = string
  default     = "http://127.0.0.1:8200"
  description = "Empty: without Vault. Jobs with secrets are then refused by Nomad."
}

variable "registry_url" {
  type        = string
  default     = ""
  description = "Registry of the temporary images; empty: the host that each job publishes to."
}

variable "settings" {
  type        = map(string)
  default     = {}
  description = "More of the README's settings, as {AUTH_MODE = \"consul\"}. What may change while it runs belongs into Consul, under config/."
}

variable "memory" {
  type        = number
  default     = 512
  description = "MB of a replica. Measured: 110 MB at rest; 10,000 records written at once and 300 waiting clients take 270 MB with the heap that Node allows itself here."
}

job "jobforge" {
  type        = "service"
  namespace   = var.namespace
  datacenters = var.datacenters
  # Above the builds' 50: they come to nothing without it.
  priority = 70

  # A new version takes the place of the old ones one at a time, and each first shows that it can serve. Two versions work side
  # by side on the same records meanwhile. One that doesn't come up is taken back.
  update {
    max_parallel      = 1
    canary            = 1
    auto_promote      = true
    auto_revert       = true
    health_check      = "checks"
    min_healthy_time  = "15s"
    healthy_deadline  = "3m"
    progress_deadline = "10m"
  }

  group "service" {
    count = var.count

    # Each on a machine of its own while there are enough of them.
    spread {
      attribute = "${node.unique.id}"
    }

    network {
      mode = "host"
      port "http" {}
      port "metrics" {}
    }

    restart {
      attempts = 3
      interval = "5m"
      delay    = "15s"
      mode     = "fail"
    }

    reschedule {
      delay          = "15s"
      delay_function = "exponential"
      max_delay      = "5m"
      unlimited      = true
    }

    # Out of the catalog first, so that nobody is sent to a replica that ends.
    shutdown_delay = "5s"

    service {
      name = "jobforge-service"
      port = "http"
      tags = ["http"]

      # Can this replica serve?
      check {
        name     = "ready"
        type     = "http"
        path     = "/ready"
        interval = "5s"
        timeout  = "4s"

        check_restart {
          limit = 24
          grace = "60s"
        }
      }

      # Do Consul, Nomad and Vault answer? For a minute without one of them the others are still of use.
      check {
        name                     = "health"
        type                     = "http"
        path                     = "/health"
        interval                 = "10s"
        timeout                  = "5s"
        failures_before_critical = 6
      }
    }

    service {
      name = "jobforge-service-metrics"
      port = "metrics"
      tags = ["metrics", "prometheus"]

      meta {
        metrics_path = "/metrics"
      }

      check {
        name     = "metrics"
        type     = "http"
        path     = "/metrics"
        interval = "30s"
        timeout  = "5s"
      }
    }

    task "service" {
      driver = "docker"
      # A leader gives its office back, and every replica lets its requests end: 2 to 4 seconds. 30s is also the most that a
      # client grants by default (max_kill_timeout).
      kill_timeout = "30s"

      config {
        image        = var.image
        network_mode = "host"
        # It writes no file, and needs no right of its own.
        readonly_rootfs = true
        cap_drop        = ["all"]
        security_opt    = ["no-new-privileges"]
      }

      # NOMAD_TOKEN: what manifests/nomad/service.policy.hcl allows to this job. Nomad's own API is a socket in the secrets' folder.
      identity {
        env = true
      }

      dynamic "consul" {
        for_each = var.consul_acl ? [1] : []
        content {}
      }

      # The token is read from its file each time: a new one needs no restart.
      dynamic "vault" {
        for_each = var.vault_address == "" ? [] : [1]
        content {
          role        = "jobforge-service"
          env         = false
          change_mode = "noop"
        }
      }

      env = merge({
        SERVER_HOST       = "${NOMAD_IP_http}"
        SERVER_PORT       = "${NOMAD_PORT_http}"
        METRICS_HOST      = "${NOMAD_IP_metrics}"
        METRICS_PORT      = "${NOMAD_PORT_metrics}"
        CONSUL_HTTP_ADDR  = var.consul_address
        NOMAD_ADDR        = "unix://${NOMAD_SECRETS_DIR}/api.sock"
        NOMAD_NAMESPACE   = var.namespace
        NOMAD_DATACENTERS = join(",", var.datacenters)
        VAULT_ADDR        = var.vault_address
        VAULT_ENABLED     = var.vault_address != ""
        REGISTRY_URL      = var.registry_url
        BUILDER_IMAGE     = var.builder_image
        PUBLISHER_IMAGE   = var.builder_image
      }, var.settings)

      resources {
        cpu    = 500
        memory = var.memory
      }
    }
  }
}
