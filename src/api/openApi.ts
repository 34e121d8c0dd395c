import { OpenApi } from "@effect/platform"
import { Predicate } from "effect"
import { recordJsonSchema } from "../domain/jsonSchema.ts"
import { Api } from "./Api.ts"

/** OpenAPI 3.1 of the interface, the BuildJob's JSON Schema in it. */
export const openApi = (version: string): object => {
  const spec = OpenApi.fromApi(Api, { additionalPropertiesStrategy: "allow" })
  const { $defs, $schema: _dialect, ...record } = moved(recordJsonSchema)
  return {
    ...spec,
    info: { ...spec.info, version },
    components: {
      ...spec.components,
      schemas: { ...spec.components.schemas, ...(Predicate.isRecord($defs) ? $defs : {}), BuildJobRecord: record }
    }
  }
}

/** A JSON Schema of its own, with its references as they are inside an OpenAPI document. */
const moved = (schema: object): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, movedValue(key, value)]))

const movedValue = (key: string, value: unknown): unknown => {
  if (key === "$ref" && typeof value === "string") return value.replace("#/$defs/", "#/components/schemas/")
  if (Array.isArray(value)) return value.map((item: unknown) => movedValue("", item))
  return Predicate.isRecord(value) ? moved(value) : value
}
