/** Every use of `node:crypto` by the server, in one file. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

/** Unguessable text of `bytes` random bytes, base64url. */
export function randomText(bytes: number): string {
  return randomBytes(bytes).toString('base64url')
}

export function randomSalt(bytes: number): Buffer {
  return randomBytes(bytes)
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/** Compares secrets by digest: the time tells neither where they differ nor how long the right one is. */
export function equalSecret(given: string, expected: string): boolean {
  return timingSafeEqual(digest(given), digest(expected))
}
