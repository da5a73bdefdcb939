/** Endpoints for stock OAuth clients: the refresh grant of RFC 6749, revocation (RFC 7009), introspection (RFC 7662). */
import { HoldfastError, type TokenVerdict, tokenPairWire } from 'holdfast'
import { z } from 'zod'
import type { Account } from '../accounts/account.ts'
import { activeAccount } from '../accounts/look-up.ts'
import { publicOrigin } from '../config/config.ts'
import { clientOf } from '../http/clients.ts'
import { OauthError } from '../http/oauth-errors.ts'
import type { Services } from '../services.ts'
import { textField } from './fields.ts'
import { type Call, type Route, route } from './route.ts'
import { pairShape } from './tokens.ts'

interface RefreshForm {
  readonly grant_type: string
  readonly refresh_token?: string | undefined
  readonly scope?: string | undefined
}
interface TokenForm {
  readonly token: string
}

/** Longer than any token of ours. */
const longestToken = 8192
const credentials = { client_id: z.string().optional(), client_secret: z.string().optional() }
const refreshForm = z.object({
  grant_type: textField(256),
  refresh_token: textField(longestToken).optional(),
  scope: textField(1024).optional(),
  ...credentials,
}) satisfies z.ZodType<RefreshForm>
const tokenForm = z.object({
  token: textField(longestToken),
  token_type_hint: z.string().optional(),
  ...credentials,
}) satisfies z.ZodType<TokenForm>

/** Asked before anything is spent: accounts that cannot be read must not cost a client the token that it presents. */
async function hasActiveOwner(services: Services, token: string): Promise<boolean> {
  const id = services.holdfast.sessionOf(token)
  const session = id === undefined ? undefined : await services.holdfast.get(id)
  // What is none of ours the refresh itself refuses, and says so in its event.
  return session === undefined || (await activeAccount(services.accounts, session.subject)) !== undefined
}

async function refresh({ body, request, services }: Call<RefreshForm>): Promise<unknown> {
  const { grant_type, refresh_token: token, scope } = body
  if (grant_type !== 'refresh_token') throw new OauthError('unsupported_grant_type', 'the grant is refresh_token')
  if (token === undefined) throw new OauthError('invalid_request', 'refresh_token is required')
  if (scope !== undefined) throw new OauthError('invalid_scope', 'tokens have no scope')
  const { holdfast } = services
  const { ip } = request.holdfast
  await holdfast.http.limits.refresh.spend(ip)
  const owned = await hasActiveOwner(services, token)
  const context = { ip, userAgent: request.headers['user-agent'], clientId: clientOf(request).id }
  const verdict = owned ? await holdfast.refresh(token, context) : undefined
  if (verdict?.status === 'unknown') throw new HoldfastError(verdict.code, { retryAfter: verdict.retryAfter })
  if (verdict?.status !== 'live') {
    // Only what nobody here made is counted, as with every other token.
    if (verdict?.reason === 'invalid') holdfast.http.limits.failedToken.spend(ip)
    throw new OauthError('invalid_grant', 'the refresh token is not valid, or not any more')
  }
  return tokenPairWire(verdict, services.now())
}

/** A token that is none, or no more, is revoked as far as its client can care (RFC 7009 section 2.2). */
async function revoke({ body: { token }, request, services }: Call<TokenForm>): Promise<void> {
  const { holdfast } = services
  const { revoked } = await holdfast.revokeToken(token, { carriedBy: 'tokens' })
  const isForgery = revoked.length === 0 && holdfast.sessionOf(token) === undefined
  if (isForgery) holdfast.http.limits.failedToken.spend(request.holdfast.ip)
}

const inactive = { active: false } as const

function activeAnswer(
  services: Services,
  { session, ...token }: Extract<TokenVerdict, { readonly status: 'live' }>,
  account: Account,
): unknown {
  const issuer = publicOrigin(services.config)
  const [audience = issuer, ...others] = token.audience
  const seconds = (at: number) => Math.floor(at / 1000)
  return {
    active: true,
    token_type: 'Bearer',
    iss: issuer,
    sub: account.id,
    username: account.username,
    aud: others.length === 0 ? audience : token.audience,
    sid: session.id,
    exp: seconds(Math.min(token.expiresAt, session.absoluteExpiresAt)),
    ...(token.issuedAt === null ? {} : { iat: seconds(token.issuedAt) }),
    ...(token.tokenId === null ? {} : { jti: token.tokenId }),
    ...(session.grant?.clientId == null ? {} : { client_id: session.grant.clientId }),
    ...(session.authTime === null ? {} : { auth_time: seconds(session.authTime) }),
    ...(session.amr.length === 0 ? {} : { amr: session.amr }),
    ...(session.acr === null ? {} : { acr: session.acr }),
    ...(token.jkt === null ? {} : { cnf: { jkt: token.jkt } }),
  }
}

/**
 * Access tokens alone are active: a service that is shown a refresh token, a session's secret or an API key must not take it
 * for one. Why a token is not is nobody's business but the log's (RFC 7662 section 2.2).
 */
async function introspect({ body: { token }, services }: Call<TokenForm>): Promise<unknown> {
  const verdict = await services.holdfast.introspect(token)
  if (verdict.status === 'unknown') throw new HoldfastError(verdict.code, { retryAfter: verdict.retryAfter })
  if (verdict.status === 'dead') return inactive
  const account = await activeAccount(services.accounts, verdict.session.subject)
  return account === undefined ? inactive : activeAnswer(services, verdict, account)
}

const optionalText = z.string().optional()
const introspection = z.object({
  active: z.boolean(),
  token_type: optionalText,
  iss: optionalText,
  sub: optionalText,
  username: optionalText,
  aud: z.union([z.string(), z.array(z.string())]).optional(),
  sid: optionalText,
  exp: z.int().optional(),
  iat: z.int().optional(),
  jti: optionalText,
  client_id: optionalText,
  auth_time: z.int().optional(),
  amr: z.array(z.string()).optional(),
  acr: optionalText,
  cnf: z.object({ jkt: z.string() }).optional(),
})

/** RFC 6749 section 5.1, for caches that know HTTP/1.0 alone. */
const headers = { pragma: 'no-cache' } as const

export const oauthRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/oauth/token',
    summary: 'Exchange a refresh token for its successor and a new access token (RFC 6749 section 6)',
    access: 'client',
    body: refreshForm,
    status: 200,
    answer: pairShape,
    headers,
    problems: ['rate-limited'],
    handle: refresh,
  }),
  route({
    method: 'POST',
    path: '/oauth/revoke',
    summary: 'End the session of an access or refresh token; 200 also when there is none (RFC 7009)',
    access: 'client',
    body: tokenForm,
    status: 200,
    problems: ['rate-limited'],
    handle: revoke,
  }),
  route({
    method: 'POST',
    path: '/oauth/introspect',
    summary: 'What an access token is good for (RFC 7662)',
    access: 'introspector',
    body: tokenForm,
    status: 200,
    answer: introspection,
    handle: introspect,
  }),
]
