/** Values as the ancestor of this service has written them, Go's spelling included: see the contract of its KV. */
export const ids = {
  succeeded: "550e8400-e29b-41d4-a716-446655440000",
  failed: "6ba7b810-9dad-41d1-80b4-00c04fd430c8",
  running: "7d444840-9dc0-41d1-b245-5ffdce74fad2",
  recent: "8f14e45f-ceea-467f-a9d1-1b6b3a0a2c11",
  history: "9c858901-8a57-4791-81fe-4c455b099bc9",
  careless: "a8098c1a-f86e-41da-bd1a-00112444be1e"
}

export const webhookSecret = "whsec-7Vq2Zp9LmKx4"
export const headerToken = "Bearer hdr-3Tn8Wc5RqYj1"
export const urlToken = "ghp-5Xk9Bd2MvQs7"

const config = (more: string = ""): string =>
  `"config":{"owner":"shop","repo_url":"https://git.example.com/shop/web.git","git_ref":"refs/heads/main","git_credentials_path":"secret/nomad/jobs/git-credentials","dockerfile_path":"Dockerfile","image_name":"web","image_tags":null,"registry_url":"registry.example.com:5000/shop","registry_credentials_path":""${more}}`

/** Tests, times of Central Europe with nanoseconds, durations in nanoseconds, a secret in clear. */
export const succeeded = `{"id":"${ids.succeeded}",${config(
  `,"test":{"commands":["npm test \\u0026\\u0026 true","npm run lint"],"entry_point":true,"env":{"WORLD":"Claude"},"vault_policies":null,"vault_secrets":null,"timeout":900000000000,"gpu_required":false,"gpu_count":0,"constraints":null},"build_timeout":2700000000000,"clear_cache":false,"webhook_url":"https://hooks.example.com/x","webhook_secret":"${webhookSecret}","webhook_on_success":true,"webhook_headers":{"Authorization":"${headerToken}"},"deploy_dir":"./deploy"`
)},"status":"SUCCEEDED","created_at":"2025-10-10T16:23:45.123456789+02:00","updated_at":"2025-10-10T16:29:00.5+02:00","started_at":"2025-10-10T16:23:46.000000001+02:00","finished_at":"2025-10-10T16:29:00.499999999+02:00","start_time":null,"end_time":null,"current_phase":"publish","build_job_id":"build-${ids.succeeded}","test_job_ids":["test-cmd-${ids.succeeded}-0","test-cmd-${ids.succeeded}-1","test-entry-${ids.succeeded}"],"publish_job_id":"publish-${ids.succeeded}","logs":{"build":["[main/stdout] STEP 1/2: FROM alpine","[main/stderr] warning: token is ${webhookSecret}","[main/stdout] Build completed successfully"],"test":["=== Test Job 0 (test-cmd-${ids.succeeded}-0) ===","[main/stdout] 12 passed","","=== Test Job 1 (test-cmd-${ids.succeeded}-1) ===","[main/stdout] clean","","=== Test Job 2 (test-entry-${ids.succeeded}) ===","[main/stdout] Hello Claude",""],"publish":["[main/stdout] All images published successfully"]},"metrics":{"job_start":"2025-10-10T16:23:45.123456789+02:00","build_start":"2025-10-10T16:23:46+02:00","build_end":"2025-10-10T16:26:01+02:00","test_start":"2025-10-10T16:26:04+02:00","test_end":"2025-10-10T16:27:04+02:00","publish_start":"2025-10-10T16:27:05+02:00","publish_end":"2025-10-10T16:29:00+02:00","job_end":"2025-10-10T16:29:00.499999999+02:00","build_duration":135000000000,"test_duration":60000000000,"publish_duration":115000000000,"total_duration":315376543210,"resource_usage":{"max_cpu":0,"max_memory":0,"disk_used":0}},"lock_key":"image-registry.example.com:5000-shop-web-refs-heads-main","lock_session_id":"adf4238a-882b-9ddc-4a9d-5b6758e4159e"}`

export const failed = `{"id":"${ids.failed}",${config()},"status":"FAILED","created_at":"2025-10-11T09:00:00-07:00","updated_at":"2025-10-11T09:02:00-07:00","current_phase":"build","build_job_id":"build-${ids.failed}","test_job_ids":null,"logs":{"build":["[main/stdout] STEP 1/9: FROM nowhere","[main/stderr] Error: short-name resolution failed"],"test":null,"publish":null},"metrics":{"job_start":"2025-10-11T09:00:00-07:00","build_start":"2025-10-11T09:00:03-07:00","build_duration":0,"test_duration":0,"publish_duration":0,"total_duration":0,"resource_usage":{"max_cpu":0,"max_memory":0,"disk_used":0}},"error":"Build phase failed: Task 'main': Terminated - Exit Code: 125","failed_phase":"build"}`

/** Written by a service that then went away, without ever having seen the build run. */
export const underWay = (id: string, updatedAt: string): string =>
  `{"id":"${id}",${config()},"status":"BUILDING","created_at":"2025-10-12T08:00:00+02:00","updated_at":"${updatedAt}","build_job_id":"build-${id}","logs":{"build":null,"test":null,"publish":null},"metrics":{"job_start":"2025-10-12T08:00:00+02:00","build_duration":0,"test_duration":0,"publish_duration":0,"total_duration":0,"resource_usage":{"max_cpu":0,"max_memory":0,"disk_used":0}}}`

export const history = `{"id":"${ids.history}",${config()},"status":"SUCCEEDED","created_at":"2025-10-09T12:00:00.25+02:00","duration":125500000000,"metrics":{"job_start":"2025-10-09T12:00:00.25+02:00","build_duration":0,"test_duration":0,"publish_duration":0,"total_duration":0,"resource_usage":{"max_cpu":0,"max_memory":0,"disk_used":0}}}`

/** What the ancestor let pass, and this service would refuse. */
export const careless = `{"id":"${ids.careless}","config":{"owner":"shop","repo_url":"https://bot:${urlToken}@git.example.com/shop/web.git","git_ref":"","dockerfile_path":"","image_name":"web","image_tags":["ok","not a tag"],"registry_url":"registry.example.com:5000","test":{"python_command":"pytest -q","python_cwd":"tests","health_timeout":60,"container_port":8080,"timeout":0,"commands":null},"resource_limits":{"cpu":"2000MHz","memory":"1024"},"build_timeout":0,"webhook_url":""},"status":"FAILED","created_at":"2025-10-08T12:00:00Z","updated_at":"0001-01-01T00:00:00Z","logs":{"build":null,"test":["=== External Test Job (test-external-${ids.careless}) ===","[main/stdout] listening with ${urlToken}"],"publish":null},"metrics":{"build_duration":0},"error":"Python tests failed with exit code 1","failed_phase":"test"}`
