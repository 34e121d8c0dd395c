import { Status } from "../domain/Status.ts"
import { storedJson } from "./storedJson.ts"

/** The value of a key below `status/`. */
export const statusValue = storedJson(Status)
