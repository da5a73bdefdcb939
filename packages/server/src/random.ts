/** Every use of `node:crypto` by the server, in one file. */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/** Unguessable text of `bytes` random bytes, base64url. */
export function randomText(bytes: number): string {
  return randomBytes(bytes).toString('base64url')
}

export function randomSalt(bytes: number): Buffer {
  return randomBytes(bytes)
}

export function hmacSha256(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

/** Evenly from 0 to 1, without 1. */
export function randomShare(): number {
  return randomBytes(4).readUInt32BE() / 2 ** 32
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/** Compares secrets by digest: the time tells neither where they differ nor how long the right one is. */
export function equalSecret(given: string, expected: string): boolean {
  return timingSafeEqual(digest(given), digest(expected))
}
