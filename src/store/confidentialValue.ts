import { Confidential } from "../domain/encodeRecord.ts"
import { storedJson } from "./storedJson.ts"

/** The value of a key below `confidential/`. */
export const confidentialValue = storedJson(Confidential)
