/** JSON of a token, read strictly: UTF-8, an object, and no member twice at any depth (RFC 7519 4, RFC 8725 3.10). */
import { isUtf8 } from 'node:buffer'

export type JsonObject = Readonly<Record<string, unknown>>

export type Reading =
  | { readonly object: JsonObject; readonly problem?: undefined }
  | { readonly object?: undefined; readonly problem: 'not-canonical' | 'not-json' | 'duplicate-member' }

const quote = 0x22
const backslash = 0x5c
const colon = 0x3a

/** Members written in a valid JSON text: a colon outside a string stands for one each. */
function membersWritten(text: string): number {
  let members = 0
  let inString = false
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === quote) inString = !inString
    else if (inString && code === backslash) at += 1
    else if (!inString && code === colon) members += 1
  }
  return members
}

/**
 * Members kept by the parser, which keeps the last of those with one name. By a list of what is left, not by calls of itself: a
 * text nests as deep as it is long, and deeper than the stack.
 */
function membersKept(value: unknown): number {
  let members = 0
  const left: unknown[] = [value]
  while (left.length > 0) {
    const item = left.pop()
    if (typeof item !== 'object' || item === null) continue
    // The parser gives every member as an own key, `__proto__` too, and arrays theirs by index.
    const values = Object.values(item)
    if (!Array.isArray(item)) members += values.length
    for (const inner of values) left.push(inner)
  }
  return members
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Whether the text that the parser made the value of writes a member twice, at any depth. */
export function writesMemberTwice(text: string, value: unknown): boolean {
  return membersWritten(text) !== membersKept(value)
}

/** The bytes of a base64url text; `undefined` unless it is the one spelling of them (RFC 7515 2, RFC 4648 3.5). */
export function bytesOf(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url')
  return bytes.toString('base64url') === text ? bytes : undefined
}

/** Two implementations that disagree on which of two members counts are an attack; so is a second spelling. */
export function readObject(text: string): Reading {
  const bytes = bytesOf(text)
  if (bytes === undefined) return { problem: 'not-canonical' }
  if (!isUtf8(bytes)) return { problem: 'not-json' }
  const json = bytes.toString('utf8')
  const value = parse(json)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { problem: 'not-json' }
  return writesMemberTwice(json, value) ? { problem: 'duplicate-member' } : { object: value as JsonObject }
}

export function writeObject(object: object): string {
  return Buffer.from(JSON.stringify(object)).toString('base64url')
}
