# A Nomad client that builds. Beside it, on the machine itself, once:
#
#   install --directory --owner=1000 --group=1000 /opt/nomad/data/buildah-cache
#
# The builder image brings its own subordinate ids and its own Buildah: the machine needs no user "build", no /etc/subuid and,
# on kernels with rootless overlay mounts (5.11 and later), no /dev/fuse. For older ones set BUILD_FUSE=true.
client {
  host_volume "buildah-cache" {
    path      = "/opt/nomad/data/buildah-cache"
    read_only = false
  }

  # Where images are tested that ask for a GPU (gpu_required). Such a client also needs NVIDIA's driver, its container toolkit
  # (docker's runtime "nvidia") and Nomad's device plugin nomad-device-nvidia; without that plugin set GPU_DEVICE=false.
  # meta {
  #   "gpu-capable" = "true"
  # }
}

plugin "docker" {
  config {
    # Its default, and what all steps do with. Leave allow_caps at its default, too: a list of one's own takes away what
    # docker's containers have otherwise, such as the setuid and setgid that a rootless build needs.
    allow_privileged = false

    # Logins to private registries, for the images under test and the builder. Steps never see them.
    # auth {
    #   config = "/root/.docker/config.json"
    # }

    # Images of ended steps go by themselves; a test's image is a temporary one.
    gc {
      image       = true
      image_delay = "3m"
      container   = true
    }

    # With the GPU: docker's other runtimes are refused.
    # allow_runtimes = ["runc", "nvidia"]
  }
}

# With AppArmor in the kernel (Debian, Ubuntu) docker's own profile forbids the mounts that a rootless build makes in its user
# namespace: builds ask for apparmor=unconfined (BUILD_APPARMOR), tests and publishing keep the profile. Where the kernel also
# has kernel.apparmor_restrict_unprivileged_userns=1 (Ubuntu 23.10 and later), allow user namespaces for builds on this client:
# sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or a profile of your own with "userns," named in BUILD_APPARMOR.

# plugin "nomad-device-nvidia" {
#   config {
#     enabled = true
#   }
# }
