import { Schema } from "effect"

// Nomad leaves out what is empty, or says null, differently from version to version: both mean the empty value.

export const text = Schema.optionalWith(Schema.String, { nullable: true, default: () => "" })

export const count = Schema.optionalWith(Schema.Number, { nullable: true, default: () => 0 })

export const flag = Schema.optionalWith(Schema.Boolean, { nullable: true, default: () => false })

export const listOf = <A, I>(item: Schema.Schema<A, I>) =>
  Schema.optionalWith(Schema.Array(item), { nullable: true, default: () => [] })

export const recordOf = <A, I>(value: Schema.Schema<A, I>) =>
  Schema.optionalWith(Schema.Record({ key: Schema.String, value }), { nullable: true, default: () => ({}) })
