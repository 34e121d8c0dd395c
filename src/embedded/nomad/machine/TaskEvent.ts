import { formatGoDuration } from "../../http/goDuration.ts"

/** One line of a task's history, with every field that Nomad shows. `Time` in nanoseconds since the epoch. */
export interface TaskEvent {
  readonly Type: string
  readonly Time: number
  readonly DisplayMessage: string
  readonly Details: Readonly<Record<string, string>>
  readonly Message: string
  readonly DriverMessage: string
  readonly DriverError: string
  readonly ExitCode: number
  readonly FailsTask: boolean
  /** Nanoseconds. */
  readonly KillTimeout: number
  readonly RestartReason: string
  readonly SetupError: string
  readonly ValidationError: string
  readonly DiskLimit: number
  readonly DownloadError: string
  readonly FailedSibling: string
  readonly GenericSource: string
  readonly KillError: string
  readonly KillReason: string
  readonly Signal: number
  readonly StartDelay: number
  readonly TaskSignal: string
  readonly TaskSignalReason: string
  readonly VaultError: string
}

export interface TaskState {
  readonly State: "pending" | "running" | "dead"
  readonly Failed: boolean
  readonly Restarts: number
  readonly LastRestart: string | null
  /** RFC 3339, `null` before it happened. */
  readonly StartedAt: string | null
  readonly FinishedAt: string | null
  readonly Events: ReadonlyArray<TaskEvent>
  readonly Paused: string
}

export const pendingTask: TaskState = {
  State: "pending",
  Failed: false,
  Restarts: 0,
  LastRestart: null,
  StartedAt: null,
  FinishedAt: null,
  Events: [],
  Paused: ""
}

/** Nomad keeps the last ten events of a task. */
export const withEvent = (state: TaskState, event: TaskEvent): TaskState => ({
  ...state,
  Events: [...state.Events, event].slice(-10)
})

type What = Omit<TaskEvent, "Time">
/** An event without its time, which whoever writes it down adds (nanoseconds). */
export type UntimedEvent = What

export const at = (event: UntimedEvent, nanoseconds: number): TaskEvent => ({ ...event, Time: nanoseconds })

const blank: What = {
  Type: "",
  DisplayMessage: "",
  Details: {},
  Message: "",
  DriverMessage: "",
  DriverError: "",
  ExitCode: 0,
  FailsTask: false,
  KillTimeout: 0,
  RestartReason: "",
  SetupError: "",
  ValidationError: "",
  DiskLimit: 0,
  DownloadError: "",
  FailedSibling: "",
  GenericSource: "",
  KillError: "",
  KillReason: "",
  Signal: 0,
  StartDelay: 0,
  TaskSignal: "",
  TaskSignalReason: "",
  VaultError: ""
}

export const received: UntimedEvent = { ...blank, Type: "Received", DisplayMessage: "Task received by client" }

export const buildingTaskDirectory: UntimedEvent = {
  ...blank,
  Type: "Task Setup",
  DisplayMessage: "Building Task Directory",
  Message: "Building Task Directory",
  Details: { message: "Building Task Directory" }
}

export const downloadingImage = (image: string): UntimedEvent => ({
  ...blank,
  Type: "Driver",
  DisplayMessage: "Downloading image",
  DriverMessage: "Downloading image",
  Details: { image }
})

export const started: UntimedEvent = { ...blank, Type: "Started", DisplayMessage: "Task started by client" }

/** The words for an exit are the docker driver's. */
export const terminated = (exit: {
  readonly exitCode: number
  readonly signal: number
  readonly oomKilled: boolean
}): UntimedEvent => {
  const message = exitMessage(exit.exitCode, exit.oomKilled)
  return {
    ...blank,
    Type: "Terminated",
    ExitCode: exit.exitCode,
    Message: message,
    Signal: exit.signal,
    DisplayMessage:
      `Exit Code: ${exit.exitCode}` +
      (exit.signal === 0 ? "" : `, Signal: ${exit.signal}`) +
      (message === "" ? "" : `, Exit Message: ${JSON.stringify(message)}`),
    Details: {
      exit_code: String(exit.exitCode),
      signal: String(exit.signal),
      oom_killed: String(exit.oomKilled),
      ...(message === "" ? {} : { exit_message: message })
    }
  }
}

const exitMessage = (exitCode: number, oomKilled: boolean): string => {
  if (oomKilled) return "OOM Killed"
  return exitCode === 0 ? "" : `Docker container exited with non-zero exit code: ${exitCode}`
}

export const notRestarting: UntimedEvent = {
  ...blank,
  Type: "Not Restarting",
  DisplayMessage: "Policy allows no restarts",
  FailsTask: true,
  RestartReason: "Policy allows no restarts",
  Details: { restart_reason: "Policy allows no restarts", fails_task: "true" }
}

/** `timeout` in nanoseconds. */
export const killing = (timeout: number): UntimedEvent => ({
  ...blank,
  Type: "Killing",
  KillTimeout: timeout,
  DisplayMessage: `Sent interrupt. Waiting ${formatGoDuration(timeout / 1e6)} before force killing`,
  Details: { kill_timeout: formatGoDuration(timeout / 1e6) }
})

/** A kill that the client itself decided on, with its reason. */
export const killingBecause = (reason: string): UntimedEvent => ({
  ...blank,
  Type: "Killing",
  DisplayMessage: reason,
  FailsTask: true,
  Details: { fails_task: "true" }
})

export const killed: UntimedEvent = { ...blank, Type: "Killed", DisplayMessage: "Task successfully killed" }

export const driverFailure = (error: string): UntimedEvent => ({
  ...blank,
  Type: "Driver Failure",
  DisplayMessage: error,
  DriverError: error,
  Details: { driver_error: error }
})

/** `errors` as the client lists them: what failed, then why. */
export const failedValidation = (error: string): UntimedEvent => ({
  ...blank,
  Type: "Failed Validation",
  DisplayMessage: error,
  ValidationError: error,
  Details: { validation_error: error }
})

export const setupFailure = (error: string): UntimedEvent => ({
  ...blank,
  Type: "Setup Failure",
  DisplayMessage: error,
  SetupError: error,
  FailsTask: true,
  Details: { setup_error: error, fails_task: "true" }
})

export const templateMissing = (dependencies: ReadonlyArray<string>): UntimedEvent => ({
  ...blank,
  Type: "Template",
  DisplayMessage: `Missing: ${dependencies.join(", ")}`
})
