/**
 * Who calls an OAuth endpoint. A confidential client authenticates by an API key, whose id is its `client_id`: by HTTP Basic or
 * in the form (RFC 6749 section 2.3.1), or as a Bearer token (RFC 7662 section 2.1). Any other client is public: all it has
 * is the token that it presents.
 */
import type { FastifyRequest, preHandlerHookHandler } from 'fastify'
import { HoldfastError } from 'holdfast'
import { type ApiKey, isForgedKey } from 'holdfast/defence/api-keys'
import type { Services } from '../services.ts'
import type { Form } from './form.ts'
import { OauthError } from './oauth-errors.ts'

export interface OauthClient {
  /** The `client_id`; undefined when it gave none. */
  readonly id: string | undefined
  /** Null for a public client. */
  readonly key: ApiKey | null
}

/** What a client presents of itself, before it is believed. */
interface Presented {
  readonly id: string | undefined
  readonly secret: string | undefined
}

const longestId = 256
/** RFC 6749 appendix A.1. */
const idSpelling = /^[\x20-\x7e]+$/
const basicScheme = /^basic +([A-Za-z0-9+/]+={0,2})$/i
const bearerScheme = /^bearer +(\S+)$/i
const challenge = 'Basic realm="oauth", Bearer realm="oauth"'

function invalidClient(description: string): OauthError {
  return new OauthError('invalid_client', description, challenge)
}

/** Both halves are form-encoded before they are joined (RFC 6749 section 2.3.1). */
function basicOf(encoded: string): Presented {
  const bytes = Buffer.from(encoded, 'base64')
  const text = bytes.toString('utf8')
  const at = bytes.toString('base64') === encoded ? text.indexOf(':') : -1
  try {
    const [id = '', secret = ''] = [text.slice(0, at), text.slice(at + 1)].map((half) =>
      decodeURIComponent(half.replaceAll('+', ' ')),
    )
    if (at > 0 && secret !== '') return { id, secret }
  } catch {
    // Not encoded as it has to be.
  }
  throw invalidClient('the Basic credentials cannot be read')
}

function headerOf(authorization: string): Presented {
  const basic = basicScheme.exec(authorization)?.[1]
  if (basic !== undefined) return basicOf(basic)
  const secret = bearerScheme.exec(authorization)?.[1]
  if (secret !== undefined) return { id: undefined, secret }
  throw invalidClient('the client authenticates by Basic or Bearer')
}

/** Throws `invalid_request` for more than one way at once (RFC 6749 section 2.3). */
function presentedBy({ headers, body }: FastifyRequest): Presented {
  const { client_id: id, client_secret: secret, client_assertion: assertion } = (body ?? {}) as Form
  if (id !== undefined && (id.length > longestId || !idSpelling.test(id))) {
    throw new OauthError('invalid_request', `client_id must be 1 to ${longestId} printable ASCII characters`)
  }
  if (assertion !== undefined) throw invalidClient('client assertions are not supported')
  if (headers.authorization === undefined) return { id, secret }
  const given = headerOf(headers.authorization)
  if (secret !== undefined || (id !== undefined && given.id !== undefined && id !== given.id)) {
    throw new OauthError('invalid_request', 'the client authenticates in more than one way')
  }
  return { id: given.id ?? id, secret: given.secret }
}

async function authenticated(
  { apiKeys, holdfast }: Services,
  secret: string | undefined,
  ip: string | undefined,
): Promise<ApiKey> {
  const verdict = await apiKeys.check(secret, { ip })
  if (verdict.status === 'live') return verdict.key
  if (verdict.status === 'unknown') throw new HoldfastError(verdict.code, { retryAfter: verdict.retryAfter })
  if (isForgedKey(verdict.reason)) holdfast.http.limits.failedToken.spend(ip)
  throw invalidClient(secret === undefined ? 'an API key is required' : 'the API key is not valid')
}

const clients: WeakMap<FastifyRequest, OauthClient> = new WeakMap()

/** The client of a request that came through one of the guards below. */
export function clientOf(request: FastifyRequest): OauthClient {
  return clients.get(request) ?? { id: undefined, key: null }
}

async function identify(services: Services, request: FastifyRequest, required: boolean): Promise<OauthClient> {
  request.holdfast.requireTransport()
  const { id, secret } = presentedBy(request)
  if (secret === undefined && !required && !(await isConfidential(services, id))) return { id, key: null }
  const { ip } = request.holdfast
  const key = await authenticated(services, secret, ip)
  if (id === undefined || id === key.id) return { id: key.id, key }
  services.securityLog({ kind: 'authz_fail', subject: key.owner, ip: ip ?? null, object: 'client_id' })
  throw invalidClient('client_id is not the id of the API key')
}

/** Who has a key is a confidential client, also when it has ended: its id alone is no credential (RFC 6749 section 3.2.1). */
async function isConfidential({ apiKeys }: Services, id: string | undefined): Promise<boolean> {
  return id !== undefined && (await apiKeys.get(id)) !== undefined
}

/** Lets a public client pass, and one that authenticates; one that tries to and fails is refused. */
export function anyClient(services: Services): preHandlerHookHandler {
  return async (request) => {
    clients.set(request, await identify(services, request, false))
  }
}

/** Lets pass who has an API key with this scope. */
export function clientWithScope(services: Services, scope: string): preHandlerHookHandler {
  return async (request) => {
    const client = await identify(services, request, true)
    if (client.key?.scopes.includes(scope) !== true) {
      const subject = client.key?.owner ?? null
      services.securityLog({ kind: 'authz_fail', subject, ip: request.holdfast.ip, object: `scope ${scope}` })
      const named = `Bearer error="insufficient_scope", scope="${scope}"`
      throw new OauthError('insufficient_scope', `the API key lacks the scope ${scope}`, named)
    }
    clients.set(request, client)
  }
}
