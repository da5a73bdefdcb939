/** Tokens as an attacker makes them: any header and payload as text, any key, signed as asked. */
import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import type { JwtKeyOptions } from '../../../src/engine/jwt/key-options.ts'
import { createJwtKeys, type JwtKeys } from '../../../src/engine/jwt/keys.ts'
import { type JwtOptions, type JwtSettings, readJwt as readOptions } from '../../../src/engine/jwt/options.ts'
import { readJwt } from '../../../src/engine/jwt/read.ts'
import { secret } from '../support/start.ts'

export const ed25519 = generateKeyPairSync('ed25519')
export const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' })
export const hmacSecret = 'Zt6Wm1Qx9Vb4Nc8Rl3Kj7Hg2Fd5Sa0Pe'

export const issuer = 'https://auth.example'
export const audience = 'https://api.example'
/** 2026-01-01T00:00:00Z, in seconds. */
export const now = 1_767_225_600

/** One key of each algorithm, as a service would list them. */
export const keyOptions: readonly JwtKeyOptions[] = [
  { algorithm: 'EdDSA', privateKey: ed25519.privateKey, kid: 'ed' },
  { algorithm: 'ES256', privateKey: p256.privateKey, kid: 'es' },
  { algorithm: 'HS256', secret: hmacSecret, kid: 'hs' },
]

/** Settings of options that must be right. */
export function settingsOf(options: Partial<JwtOptions> = {}, secrets: readonly string[] = [secret]): JwtSettings {
  const problems: unknown[] = []
  const settings = readOptions({ issuer, audience, keys: keyOptions, ...options }, secrets, (problem) => problems.push(problem))
  if (settings === null || problems.length > 0) throw new Error(JSON.stringify(problems))
  return settings
}

export interface Reader {
  readonly keys: JwtKeys
  /** The problem, or `accepted`. */
  read(token: string, atMs?: number): string
}

export function reader(options: Partial<JwtOptions> = {}): Reader {
  const settings = settingsOf(options)
  const keys = createJwtKeys(settings.keys)
  return {
    keys,
    read: (token, atMs = now * 1000) => readJwt(token, keys, { ...settings, audience: 'own' }, atMs).problem ?? 'accepted',
  }
}

export const goodClaims: Readonly<Record<string, unknown>> = {
  iss: issuer,
  sub: 'alice',
  aud: audience,
  sid: 'AAAAaaaaaaaaaaaaaaaaaaaa',
  jti: 'a-token',
  iat: now,
  exp: now + 900,
}

export const segment = (text: string | Uint8Array): string => Buffer.from(text).toString('base64url')
export const json = (value: unknown): string => segment(JSON.stringify(value))

type Sign = (input: string) => Uint8Array

export const withEd25519 =
  (key: KeyObject = ed25519.privateKey): Sign =>
  (input) =>
    sign(null, Buffer.from(input), key)
export const withP256 =
  (key: KeyObject = p256.privateKey): Sign =>
  (input) =>
    sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' })
export const withHmac =
  (key: string | Uint8Array = hmacSecret): Sign =>
  (input) =>
    createHmac('sha256', key).update(input).digest()

/** A token of these very segments. */
export function compact(header: string, payload: string, signing: Sign): string {
  return `${header}.${payload}.${segment(signing(`${header}.${payload}`))}`
}

export interface Forged {
  readonly header?: Readonly<Record<string, unknown>>
  readonly claims?: Readonly<Record<string, unknown>>
  readonly signing?: Sign
}

/** A token that is good but for what is given. A claim that is `undefined` is left out. */
export function forge({ header = {}, claims = {}, signing = withEd25519() }: Forged = {}): string {
  return compact(json({ alg: 'EdDSA', typ: 'at+jwt', kid: 'ed', ...header }), json({ ...goodClaims, ...claims }), signing)
}
