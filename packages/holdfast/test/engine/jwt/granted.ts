/** Sessions that have access tokens, and what signs these: our own engine's parts, and a thief of its signing key. */
import { RandomPool } from '../../../src/engine/crypto.ts'
import { type AccessTokens, createAccessTokens } from '../../../src/engine/jwt/access-tokens.ts'
import { type JwtOptions, readJwt } from '../../../src/engine/jwt/options.ts'
import { createKeyring } from '../../../src/engine/keyring.ts'
import type { SessionId, SessionRecord, SessionStore } from '../../../src/store/store.ts'
import { seededRandom } from '../../../src/testing/index.ts'
import { minute, must, type Started, secret } from '../support/start.ts'
import { audience, issuer } from './forge.ts'

export const jwt: JwtOptions = { issuer, audience }
export const lifetime = 15 * minute

/** What signs and reads the tokens of an engine with these options. */
export function accessTokens(options: JwtOptions = jwt, secrets: readonly [string, ...string[]] = [secret]): AccessTokens {
  const settings = must(readJwt(options, secrets, (problem) => expectNone(problem)))
  return createAccessTokens(settings, createKeyring(secrets), new RandomPool(seededRandom(7)))
}

function expectNone(problem: unknown): never {
  throw new Error(JSON.stringify(problem))
}

export async function recordOf(store: SessionStore, id: SessionId): Promise<SessionRecord> {
  return must(await store.get(id))
}

/** A live session of alice with a grant. */
export async function granted({ engine, store }: Pick<Started, 'engine' | 'store'>): Promise<SessionId> {
  const { session } = await engine.issue({ subject: 'alice', amr: ['pwd'], remember: true })
  const record = await recordOf(store, session.id)
  const grant = { salt: 'c2FsdCBvZiB0aGlzIHNlc3Npb24', format: 'jwt' as const, audience: null, clientId: 'cli' }
  if (!(await store.replace({ ...record, grant }, record.revision))) throw new Error('the record changed meanwhile')
  return session.id
}

export interface SignOptions {
  readonly tokens?: AccessTokens
  readonly elevated?: boolean
}

/** An access token of the session as it is now, good for 15 minutes. */
export async function sign(
  { store, clock }: Pick<Started, 'store' | 'clock'>,
  id: SessionId,
  { tokens = accessTokens(), elevated = false }: SignOptions = {},
): Promise<string> {
  const now = clock.now()
  return tokens.sign(await recordOf(store, id), { expiresAt: now + lifetime, now, elevated })
}

/** What a token says, whoever signed it. */
export function claimsOf(token: string): Readonly<Record<string, unknown>> {
  return JSON.parse(Buffer.from(must(token.split('.')[1]), 'base64url').toString()) as Readonly<Record<string, unknown>>
}
