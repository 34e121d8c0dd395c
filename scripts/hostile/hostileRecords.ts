import { Either } from "effect"
import { decodeRecord } from "../../src/domain/decodeRecord.ts"
import type { Dice } from "../chaos/Dice.ts"

export interface HostileRecord {
  readonly name: string
  readonly value: Uint8Array
}

/** Bytes that one value of Consul's KV can have. */
const valueLimit = 512 * 1024

/**
 * Records that nobody could build, of so many bytes together: most of them small, a few as large as a value can be.
 * Each one is checked to be wrong.
 */
export const hostileRecords = (dice: Dice, count: number, bytes: number): ReadonlyArray<HostileRecord> => {
  // Some kinds come out smaller than they were asked to be: a first try shows by how much.
  const tried = make(dice, count, bytes).reduce((sum, { value }) => sum + value.length, 0)
  return make(dice, count, (bytes * bytes) / tried)
}

const make = (dice: Dice, count: number, bytes: number): ReadonlyArray<HostileRecord> => {
  const sizes = shares(dice, count, bytes)
  return sizes.map((size, at) => {
    const made = encode(dice.pick(kinds)(dice, size))
    const wrong = Either.isLeft(decodeRecord(new TextDecoder().decode(made)))
    return { name: nameOf(dice, at), value: wrong ? made : encode(JSON.stringify({ ...good, owner: at })) }
  })
}

type Kind = (dice: Dice, size: number) => string | Uint8Array

const good = {
  owner: "somebody",
  repo_url: "https://git.example.com/team/app.git",
  image_name: "team/app",
  registry_url: "registry.example.com:5000"
}

const fields = [
  "owner",
  "repo_url",
  "git_ref",
  "image_name",
  "registry_url",
  "image_tags",
  "test",
  "resource_limits",
  "build_timeout",
  "clear_cache",
  "webhook_url",
  "git_credentials_path",
  "dockerfile_path",
  "state",
  "labels"
]

const wrongValues: ReadonlyArray<unknown> = [
  null,
  true,
  -1,
  1e308,
  "",
  " ",
  "../../etc/passwd",
  "-oProxyCommand=id",
  "$(id)",
  "a\nb",
  "\u0000",
  [],
  [[]],
  {},
  { a: { b: { c: [] } } },
  [1, "2", null],
  "x".repeat(3000)
]

const fuzz: Kind = (dice, size) => Uint8Array.from({ length: size }, () => dice.between(0, 256))

const text = (dice: Dice, size: number): string =>
  Array.from({ length: Math.ceil(size / 8) }, () => dice.next().toString(36).slice(2, 10).padEnd(8, "z"))
    .join("")
    .slice(0, size)

/** A record as it should be, but for one field; the rest of the bytes are a label that is too long. */
const oneField: Kind = (dice, size) =>
  JSON.stringify({
    ...good,
    [fields[dice.between(0, fields.length)] ?? "owner"]: wrongValues[dice.between(0, wrongValues.length)],
    ...(size > 400 ? { labels: { note: text(dice, size - 300) } } : {})
  })

const wrongTypes: Kind = (dice, size) =>
  JSON.stringify(
    Object.fromEntries(
      Array.from({ length: Math.max(1, Math.floor(size / 60)) }, (_, at) => [
        at < fields.length ? (fields[at] ?? "") : `unknown_${at}`,
        wrongValues[dice.between(0, wrongValues.length - 1)]
      ])
    )
  ).slice(0, valueLimit - 1)

const nestedJson: Kind = (_, size) => "[".repeat(Math.floor(size / 2)) + "]".repeat(Math.floor(size / 2))

const nestedObjects: Kind = (_, size) => '{"a":'.repeat(Math.floor(size / 6)) + "1" + "}".repeat(Math.floor(size / 6))

const nestedYaml: Kind = (_, size) => {
  const depth = Math.max(2, Math.floor(Math.sqrt(size)))
  return Array.from({ length: depth }, (_, at) => `${" ".repeat(at)}k:`).join("\n")
}

const aliasBomb: Kind = (dice, size) => {
  const levels = Array.from({ length: 12 }, (_, at) =>
    at === 0 ? `a0: &a0 [${text(dice, 20)}]` : `a${at}: &a${at} [${`*a${at - 1},`.repeat(9)}*a${at - 1}]`
  )
  return `${levels.join("\n")}\nnote: ${text(dice, Math.max(1, size - 900))}\n`
}

const nearlyJson: Kind = (dice, size) => {
  const whole = JSON.stringify({ ...good, labels: { note: text(dice, size) } })
  const at = dice.between(0, whole.length)
  return `${whole.slice(0, at)}${String.fromCodePoint(dice.between(1, 0x2fff))}${whole.slice(at + 1)}`
}

const manyLines: Kind = (dice, size) =>
  Array.from({ length: Math.ceil(size / 12) }, () => `${text(dice, 4)}: ${dice.between(0, 99999)}`).join("\n")

const kinds: ReadonlyArray<readonly [Kind, number]> = [
  [fuzz, 3],
  [oneField, 4],
  [wrongTypes, 3],
  [nestedJson, 1],
  [nestedObjects, 1],
  [nestedYaml, 1],
  [aliasBomb, 1],
  [nearlyJson, 2],
  [manyLines, 1]
]

const encode = (made: string | Uint8Array): Uint8Array =>
  (typeof made === "string" ? new TextEncoder().encode(made) : made).subarray(0, valueLimit)

/** Sizes of a long tail that add up to about `bytes`; what the largest may not have, the others get. */
const shares = (dice: Dice, count: number, bytes: number): ReadonlyArray<number> => {
  const raw = Array.from({ length: count }, () => 64 * 2 ** (13 * dice.next() ** 3))
  const scaled = (factor: number) => raw.map((size) => Math.max(16, Math.min(valueLimit, Math.round(size * factor))))
  const total = (sizes: ReadonlyArray<number>) => sizes.reduce((sum, size) => sum + size, 0)
  let factor = bytes / total(raw)
  for (let round = 0; round < 20; round++) factor *= bytes / total(scaled(factor))
  return scaled(factor)
}

/** Most are plain; some have what a key may have and a path may not. */
const nameOf = (dice: Dice, at: number): string => {
  const plain = `bad-${String(at).padStart(5, "0")}`
  return dice.next() < 0.97 ? plain : `${dice.pick(oddities)}/${plain}`
}

const oddities: ReadonlyArray<readonly [string, number]> = [
  ["with space", 1],
  ["ünïcödé", 1],
  ["100%25", 1],
  ["a?b=c&d#e", 1],
  ["x:y@z;w", 1]
]
