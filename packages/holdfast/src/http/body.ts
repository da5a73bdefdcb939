/** JSON request bodies: bounded, of one content type, and never half believed. */
import { HoldfastError } from '../engine/errors.ts'
import type { Carrier } from './carrier.ts'

const longestBody = 16 * 1024
/** Checked and parsed in the same normal form: a checker and a parser that differ are a hole (CVE-2025-32442). */
const jsonType = /^[ \t]*application\/json[ \t]*(?:;|$)/i

function invalid(message: string): HoldfastError {
  return new HoldfastError('invalid-request', { detail: message, fields: [{ field: 'body', message }] })
}

function parseObject(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw invalid('is not JSON')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid('is not a JSON object')
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
