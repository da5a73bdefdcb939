/** Tokens for a client of a signed-in user: a command line, a job, an agent. It has a session of its own, listed and ended like any. */
import { HoldfastError, type Session, sessionWire, tokenPairWire } from 'holdfast'
import { z } from 'zod'
import type { Services } from '../services.ts'
import { textField } from './fields.ts'
import { type Call, type Route, route } from './route.ts'
import { sessionShape } from './shapes.ts'

interface TokensBody {
  readonly format?: 'opaque' | 'jwt' | undefined
  readonly audience?: string | undefined
  readonly label?: string | undefined
}

const body: z.ZodType<TokensBody | undefined> = z
  .strictObject({
    format: z.enum(['opaque', 'jwt'], { error: 'must be opaque or jwt' }).optional(),
    audience: textField(256).optional(),
    label: textField(64).optional(),
  })
  .optional()

const pairFields = {
  access_token: z.string(),
  token_type: z.literal('Bearer'),
  expires_in: z.int(),
  refresh_token: z.string(),
} as const
export const pairShape: z.ZodType = z.object(pairFields)

/**
 * Whoever ends every session of the account meanwhile has seen the new one, or the one that it was asked with is ended. Its
 * own eviction by the new one is no such end.
 */
async function isEnded({ holdfast }: Services, { id }: Session): Promise<boolean> {
  const session = await holdfast.get(id)
  return session === undefined || (session.revokedAt !== null && session.reason !== 'evicted')
}

async function grantTokens({ body = {}, request, services, account }: Call<TokensBody | undefined>): Promise<unknown> {
  const { holdfast, securityLog } = services
  const asking = request.holdfast.session
  if (asking === null || asking.authTime === null) throw new HoldfastError('session-required')
  const { ip } = request.holdfast
  await holdfast.http.limits.signIn.spend(ip)
  const { session, ...tokens } = await holdfast.issueTokens({
    ...body,
    subject: account.id,
    // Nobody proved anything just now: the client is as fresh as the session that asks for it, and no fresher.
    authTime: asking.authTime,
    amr: asking.amr,
    // Without the user agent: the tokens are for another program than the browser that fetches them.
    context: { ip },
  })
  if (await isEnded(services, asking)) {
    await holdfast.revoke({ session: session.id }, { reason: 'replaced' })
    throw new HoldfastError('session-revoked')
  }
  securityLog({ kind: 'authn_token_created', subject: account.id, ip: ip ?? null, session: session.id })
  return { ...tokenPairWire(tokens, services.now()), session: sessionWire(session, asking.id) }
}

export const tokenRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/auth/tokens',
    summary: 'An access and a refresh token for a client of yours, in this answer only',
    access: 'subject-fresh',
    body,
    status: 200,
    answer: z.object({ ...pairFields, session: sessionShape }),
    problems: ['rate-limited', 'session-limit'],
    handle: grantTokens,
  }),
]
