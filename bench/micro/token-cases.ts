/** Cases of tokens: an exchange of a refresh token, and JWTs by public keys beside the libraries that know nothing else. */
import { createPublicKey, randomBytes } from 'node:crypto'
import { type Clock, createHoldfast, type RefreshVerdict } from 'holdfast'
import { memoryStore } from 'holdfast/store/memory'
import { RandomPool, systemRandom } from '../../packages/holdfast/src/engine/crypto.ts'
import { createAccessTokens } from '../../packages/holdfast/src/engine/jwt/access-tokens.ts'
import { readJwt as readJwtOptions } from '../../packages/holdfast/src/engine/jwt/options.ts'
import { createKeyring } from '../../packages/holdfast/src/engine/keyring.ts'
import { addressOf, subjectOf, userAgentOf } from '../shared/clients.ts'
import { type FastJwtVerified, fastJwtVerifier, type JoseVerified, type JwtAlgorithm, joseVerifier } from '../shared/jwt.ts'
import type { Case, Presented } from './rounds.ts'

const contextOf = (at: number) => ({ ip: addressOf(at), userAgent: userAgentOf(at) })

async function presentedEach(inRotation: number, issue: (at: number) => string | Promise<string>): Promise<Presented[]> {
  return Promise.all(Array.from({ length: inRotation }, async (_, at) => ({ token: await issue(at), context: contextOf(at) })))
}

/** Time goes on whenever it is asked for, so that no client rotates more often than the grace window has room for. */
function hurriedClock(): Clock {
  let now = Date.now()
  return {
    now: () => {
      now += 100
      return now
    },
    after: () => () => undefined,
  }
}

/** One exchange on memory: who presents is named by a subject, and presents what its last exchange gave. */
export async function refreshCase(inRotation: number): Promise<Case> {
  const tokens = { idle: '30d', absolute: '365d' } as const
  const holdfast = createHoldfast({
    secret: randomBytes(32).toString('hex'),
    store: memoryStore(),
    tokens,
    clock: hurriedClock(),
  })
  const current = new Map<string, string>()
  const presented = await presentedEach(inRotation, async (at) => {
    const subject = subjectOf(at)
    const { refreshToken } = await holdfast.issueTokens({ subject, context: contextOf(at) })
    current.set(subject, refreshToken)
    return subject
  })
  return {
    name: 'refresh',
    presented,
    check: async ({ token: subject, context }) => {
      const verdict = await holdfast.refresh(current.get(subject), context)
      if (verdict.status === 'live') current.set(subject, verdict.refreshToken)
      return verdict
    },
    accepts: (answer) => (answer as RefreshVerdict).status === 'live',
  }
}

/**
 * Signature and claims of the same tokens, ours, by each. Whether the session is live we ask of its record after that;
 * the libraries know nothing else.
 */
async function jwtCasesOf(algorithm: JwtAlgorithm, inRotation: number): Promise<Case[]> {
  const secret = randomBytes(32).toString('hex')
  const jwt = { issuer: 'https://auth.example.test', algorithm }
  const holdfast = createHoldfast({ secret, store: memoryStore(), jwt })
  const settings = readJwtOptions(jwt, [secret], () => undefined)
  if (settings === null) throw new TypeError('the options of the JWTs cannot be read')
  const own = createAccessTokens(settings, createKeyring([secret]), new RandomPool(systemRandom))
  const presented = await presentedEach(inRotation, async (at) => {
    const input = { subject: subjectOf(at), format: 'jwt', context: contextOf(at) } as const
    return (await holdfast.issueTokens(input)).accessToken
  })
  const [jwk] = holdfast.jwks().keys
  if (jwk === undefined) throw new TypeError('there is no public key')
  const key = createPublicKey({ key: { ...jwk }, format: 'jwk' })
  const expected = { algorithm, issuer: jwt.issuer, audience: jwt.issuer, type: 'at+jwt' }
  const byFastJwt = await fastJwtVerifier(key, expected)
  const byJose = await joseVerifier(key, expected)
  return [
    {
      name: `jwt-${algorithm}`,
      presented,
      check: ({ token }) => own.read(token, Date.now()),
      accepts: (answer) => typeof answer === 'object',
    },
    {
      name: `fast-jwt-${algorithm}`,
      presented,
      check: ({ token }) => byFastJwt(token),
      accepts: (answer) => (answer as FastJwtVerified).sub !== undefined,
    },
    {
      name: `jose-${algorithm}`,
      presented,
      check: ({ token }) => byJose(token),
      accepts: (answer) => (answer as JoseVerified).payload.sub !== undefined,
    },
  ]
}

export async function jwtCases(inRotation: number): Promise<Case[]> {
  return [...(await jwtCasesOf('EdDSA', inRotation)), ...(await jwtCasesOf('ES256', inRotation))]
}
