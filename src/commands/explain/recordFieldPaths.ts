import { flattened, recordFields } from "./RecordField.ts"

export const recordFieldPaths: ReadonlyArray<string> = flattened(recordFields).map(({ path }) => path)
