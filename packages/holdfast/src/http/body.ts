/** JSON request bodies: bounded, of one content type, and never half believed. */
import { HoldfastError } from '../engine/errors.ts'
import { writesMemberTwice } from '../shared/json-members.ts'
import type { Carrier } from './carrier.ts'

const longestBody = 16 * 1024
/** Checked and parsed in the same normal form: a checker and a parser that differ are a hole (CVE-2025-32442). */
const jsonType = /^[ \t]*application\/json[ \t]*(?:;|$)/i

function invalid(message: string): HoldfastError {
  return new HoldfastError('invalid-request', { detail: message, fields: [{ field: 'body', message }] })
}

function parseObject(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  let [text, value]: [string, unknown] = ['', undefined]
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    value = JSON.parse(text)
  } catch {
    throw invalid('is not JSON')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid('is not a JSON object')
  // Whoever looked at the body on its way here may have read the other one (RFC 8259 4).
  if (writesMemberTwice(text, value)) throw invalid('must not have a member twice')
  return value as Readonly<Record<string, unknown>>
}

/**
 * The JSON object of a request; `{}` when it has no body. Throws `unsupported-media-type`, `payload-too-large` (over
 * 16 KiB, by what arrives and not by what was announced) or `invalid-request`.
 */
export async function readJson(carrier: Carrier): Promise<Readonly<Record<string, unknown>>> {
  const bytes = await carrier.readBody(longestBody)
  if (bytes === null) throw new HoldfastError('payload-too-large')
  if (bytes === undefined || bytes.length === 0) return {}
  if (!jsonType.test(carrier.headers['content-type'] ?? '')) throw new HoldfastError('unsupported-media-type')
  return parseObject(bytes)
}
