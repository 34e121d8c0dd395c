import { addEvent } from "../domain/run.ts"
import type { Status } from "../domain/Status.ts"

const reason = "SecretsNotChecked"

/** Says in a status, once for each run, that logs were archived without a look for some of the secrets that it was given. */
export const noteUnread = (status: Status, unread: ReadonlyArray<string>, now: number): Status => {
  if (unread.length === 0 || status.events.some((event) => event.reason === reason && event.at >= begunAt(status))) {
    return status
  }
  const paths = unread.join(", ")
  const message = `logs were archived without a look for the values of ${paths}: Vault did not give them to the service`
  return { ...status, events: addEvent(status.events, now, reason, message) }
}

/** The events of a record's earlier runs stay in its status. */
const begunAt = ({ times }: Status): number => times.job_start ?? 0
