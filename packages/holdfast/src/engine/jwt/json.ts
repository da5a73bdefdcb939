/** JSON of a token, read strictly: UTF-8, an object, and no member twice at any depth (RFC 7519 4, RFC 8725 3.10). */
import { isUtf8 } from 'node:buffer'
import { writesMemberTwice } from '../../shared/json-members.ts'

export type JsonObject = Readonly<Record<string, unknown>>

export type Reading =
  | { readonly object: JsonObject; readonly problem?: undefined }
  | { readonly object?: undefined; readonly problem: 'not-canonical' | 'not-json' | 'duplicate-member' }

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
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
