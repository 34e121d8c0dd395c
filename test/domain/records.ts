import { Either } from "effect"
import { decodeInput, decodeRecord, type DesiredRecord } from "../../src/domain/decodeRecord.ts"
import type { FieldError } from "../../src/domain/FieldError.ts"

/** The four fields without which there is no job. */
export const minimal = {
  owner: "team-a",
  repo_url: "https://git.example.com/team/app.git",
  image_name: "team/app",
  registry_url: "registry.example.com:5000/builds"
}

export const accepted = (value: unknown): DesiredRecord => Either.getOrThrowWith(decodeInput(value), unexpected)

export const acceptedText = (text: string): DesiredRecord => Either.getOrThrowWith(decodeRecord(text), unexpected)

/** `path: message` of each fault, none for a record that is accepted. */
export const faults = (value: unknown): ReadonlyArray<string> => lines(decodeInput(value))

export const textFaults = (text: string): ReadonlyArray<string> => lines(decodeRecord(text))

/** The paths that are wrong when `fields` come on top of the minimal job. */
export const wrongPaths = (fields: object): ReadonlyArray<string> =>
  Either.match(decodeInput({ ...minimal, ...fields }), {
    onLeft: (errors) => errors.map(({ path }) => path),
    onRight: () => []
  })

/** The messages when `fields` come on top of the minimal job. */
export const messages = (fields: object): ReadonlyArray<string> =>
  Either.match(decodeInput({ ...minimal, ...fields }), {
    onLeft: (errors) => errors.map(({ message }) => message),
    onRight: () => []
  })

const lines = (result: Either.Either<DesiredRecord, ReadonlyArray<FieldError>>): ReadonlyArray<string> =>
  Either.match(result, {
    onLeft: (errors) => errors.map(({ message, path }) => `${path}: ${message}`),
    onRight: () => []
  })

const unexpected = (errors: ReadonlyArray<FieldError>): Error => new Error(JSON.stringify(errors))
