import { systemLimits } from "../domain/resolve.ts"
import { defaultSpecSettings } from "../jobspec/SpecSettings.ts"
import { knob } from "./Knob.ts"
import {
  duration,
  integer,
  flag,
  string,
  oneOf,
  list,
  registry,
  dockerSize,
  amount,
  registryPath,
  keyPrefix,
  keyPrefixOrNone
} from "./knobParsers.ts"
import { accessKnobs } from "./accessKnobs.ts"
import { observationKnobs } from "./observationKnobs.ts"
import { retentionKnobs } from "./retentionKnobs.ts"
import { vaultKnobs } from "./vaultKnobs.ts"
import { webhookKnobs } from "./webhookKnobs.ts"

/** Every setting. KV wins over the environment, which wins over the default. */
export const knobs = {
  buildTimeout: knob("BUILD_TIMEOUT", "build_timeout", "30m", duration, "Limit of a build that names none"),
  testTimeout: knob("TEST_TIMEOUT", "test_timeout", "15m", duration, "Limit of each test of a job that names none"),
  publishTimeout: knob(
    "PUBLISH_TIMEOUT",
    "publish_timeout",
    "15m",
    duration,
    "Limit of publishing, and of cleaning up"
  ),
  killTimeout: knob("KILL_TIMEOUT", "kill_timeout", "30s", duration, "From SIGTERM to SIGKILL when a step is stopped"),
  queueTimeout: knob(
    "QUEUE_TIMEOUT",
    "queue_timeout",
    "1h",
    duration,
    "How long a step may wait in Nomad before it runs"
  ),
  unplacedGrace: knob("UNPLACED_GRACE", "unplaced_grace", "5m", duration, "How long Nomad may find no node for a step"),
  startGrace: knob("START_GRACE", "start_grace", "50s", duration, "How long a placed step may wait for its secrets"),
  jobTimeout: knob("JOB_TIMEOUT", "job_timeout", "6h", duration, "From a job's beginning to its end, waiting included"),
  maxRunning: knob(
    "MAX_RUNNING_JOBS",
    "max_running_jobs",
    "0",
    integer(0, 100_000),
    "Jobs that run at the same time; the others wait their turn. 0: any number"
  ),
  maxRunningPerOwner: knob(
    "MAX_RUNNING_JOBS_PER_OWNER",
    "max_running_jobs_per_owner",
    "0",
    integer(0, 100_000),
    "The same for each owner"
  ),
  maxAttempts: knob(
    "MAX_ATTEMPTS",
    "max_attempts",
    "3",
    integer(1, 5),
    "Tries of a step when the infrastructure fails"
  ),
  retryBackoff: knob(
    "RETRY_BACKOFF",
    "retry_backoff",
    "5s",
    duration,
    "Pause before the second try, doubled for each further one"
  ),
  buildCpu: knob(
    "DEFAULT_CPU_LIMIT",
    "default_resource_limits/cpu",
    String(systemLimits.build.cpu),
    amount,
    "MHz of a build that names none"
  ),
  buildMemory: knob(
    "DEFAULT_MEMORY_LIMIT",
    "default_resource_limits/memory",
    String(systemLimits.build.memory),
    amount,
    "MB of memory of a build"
  ),
  buildDisk: knob(
    "DEFAULT_DISK_LIMIT",
    "default_resource_limits/disk",
    String(systemLimits.build.disk),
    amount,
    "MB of disk of a build"
  ),
  testCpu: knob(
    "DEFAULT_TEST_CPU_LIMIT",
    "default_resource_limits/test/cpu",
    String(systemLimits.test.cpu),
    amount,
    "MHz of a test"
  ),
  testMemory: knob(
    "DEFAULT_TEST_MEMORY_LIMIT",
    "default_resource_limits/test/memory",
    String(systemLimits.test.memory),
    amount,
    "MB of memory of a test"
  ),
  testDisk: knob(
    "DEFAULT_TEST_DISK_LIMIT",
    "default_resource_limits/test/disk",
    String(systemLimits.test.disk),
    amount,
    "MB of disk of a test"
  ),
  publishCpu: knob(
    "DEFAULT_PUBLISH_CPU_LIMIT",
    "default_resource_limits/publish/cpu",
    String(systemLimits.publish.cpu),
    amount,
    "MHz of publishing"
  ),
  publishMemory: knob(
    "DEFAULT_PUBLISH_MEMORY_LIMIT",
    "default_resource_limits/publish/memory",
    String(systemLimits.publish.memory),
    amount,
    "MB of memory of publishing"
  ),
  publishDisk: knob(
    "DEFAULT_PUBLISH_DISK_LIMIT",
    "default_resource_limits/publish/disk",
    String(systemLimits.publish.disk),
    amount,
    "MB of disk of publishing"
  ),
  registryUrl: knob(
    "REGISTRY_URL",
    "registry/url",
    "",
    registry,
    "Registry of the temporary images; empty: the host that each job publishes to"
  ),
  temporaryPrefix: knob(
    "REGISTRY_TEMP_PREFIX",
    "registry/temp_prefix",
    "temp",
    registryPath,
    "Folder of the temporary images in it"
  ),
  insecureRegistries: knob(
    "INSECURE_REGISTRIES",
    "registry/insecure",
    "",
    list,
    "Registries (host[:port], comma list) spoken to without verified TLS; loopback always is"
  ),
  region: knob("NOMAD_REGION", undefined, "global", string, "Region that the steps run in"),
  namespace: knob("NOMAD_NAMESPACE", undefined, "default", string, "Nomad namespace of the steps"),
  datacenters: knob(
    "NOMAD_DATACENTERS",
    "nomad/datacenters",
    "cluster",
    list,
    "Datacenters that the steps may run in (comma list)"
  ),
  builderImage: knob(
    "BUILDER_IMAGE",
    "images/builder",
    defaultSpecSettings.images.builder,
    string,
    "Image that builds run in"
  ),
  publisherImage: knob(
    "PUBLISHER_IMAGE",
    "images/publisher",
    defaultSpecSettings.images.publisher,
    string,
    "Image that publishing and cleaning up run in"
  ),
  storageDriver: knob(
    "BUILD_STORAGE_DRIVER",
    "build/storage_driver",
    "overlay",
    oneOf("overlay", "vfs"),
    "Buildah's storage driver; one for each cache volume"
  ),
  fuse: knob(
    "BUILD_FUSE",
    "build/fuse",
    "false",
    flag,
    "fuse-overlayfs for kernels without rootless overlay mounts; needs /dev/fuse on the clients"
  ),
  cacheVolume: knob(
    "BUILD_CACHE_VOLUME",
    "build/cache_volume",
    "buildah-cache",
    string,
    "Nomad host volume with the layer caches"
  ),
  cacheLimit: knob(
    "BUILD_CACHE_LIMIT_MB",
    "build/cache_limit_mb",
    String(defaultSpecSettings.cacheVolume.limitMb),
    amount,
    "MB of all layer caches on a client; the least recently used go first"
  ),
  ...vaultKnobs,
  sshHostKeys: knob(
    "SSH_HOST_KEYS",
    "git/ssh_host_keys",
    "accept-new",
    oneOf("accept-new", "yes"),
    "Take an unknown Git server's host key (accept-new), or only known ones (yes)"
  ),
  temporaryRegistryCredentials: knob(
    "REGISTRY_TEMP_CREDENTIALS_PATH",
    "registry/temp_credentials_path",
    "",
    string,
    "Vault path of the login to the registry of temporary images, where it isn't the job's own"
  ),
  gpuDevice: knob("GPU_DEVICE", "gpu/device", "true", flag, "Ask for nvidia/gpu devices; needs Nomad's device plugin"),
  seccomp: knob(
    "BUILD_SECCOMP",
    "build/seccomp",
    defaultSpecSettings.seccomp,
    string,
    "Seccomp profile of builds: unconfined, or a path on every client"
  ),
  apparmor: knob(
    "BUILD_APPARMOR",
    "build/apparmor",
    defaultSpecSettings.apparmor,
    string,
    "AppArmor profile of builds; empty: docker's own"
  ),
  dockerLogMaxFiles: knob(
    "DOCKER_LOG_MAX_FILES",
    "logs/max_files",
    "5",
    integer(1, 100),
    "Log files that Nomad keeps of a step's stream"
  ),
  logFileMegabytes: knob("LOG_FILE_SIZE_MB", "logs/file_size_mb", "10", integer(1, 1000), "MB of each of them"),
  dockerLogMaxSize: knob(
    "DOCKER_LOG_MAX_FILE_SIZE",
    "logs/docker_max_size",
    "200m",
    dockerSize,
    "Docker's own buffer for a step's output; a burst beyond it is lost"
  ),
  ...retentionKnobs,
  ...webhookKnobs,
  logLevel: knob(
    "LOG_LEVEL",
    "log_level",
    "info",
    oneOf("debug", "info", "warn", "error"),
    "Least level that is logged"
  ),
  logFormat: knob(
    "LOG_FORMAT",
    undefined,
    "",
    oneOf("", "json", "logfmt"),
    "How log lines are written: json or logfmt; empty: json with serve, logfmt with dev"
  ),
  mcpLogLevel: knob(
    "MCP_LOG_LEVEL",
    "mcp_log_level",
    "0",
    integer(0, 1),
    "1: log each JSON-RPC and MCP request, tool and answer as they are, secrets apart, whatever LOG_LEVEL says"
  ),
  serverHost: knob("SERVER_HOST", undefined, "0.0.0.0", string, "Address that the service listens on"),
  serverPort: knob("SERVER_PORT", undefined, "8080", integer(1, 65_535), "Port of the service"),
  corsOrigin: knob(
    "CORS_ORIGIN",
    undefined,
    "*",
    list,
    "Origins (comma list) whose pages may read the answers; `*`: any, but on loopback only those named here and the machine's own"
  ),
  ...accessKnobs,
  ...observationKnobs,
  legacyPrefix: knob(
    "LEGACY_KEY_PREFIX",
    undefined,
    "nomad-build-service",
    keyPrefixOrNone,
    "Where the service's ancestor kept its jobs and its history: they are moved into the archive once; empty: left alone"
  ),
  keyPrefix: knob("CONSUL_KEY_PREFIX", undefined, "jobforge-service", keyPrefix, "Where everything lies in Consul's KV")
} as const
