/** The keys that services elsewhere verify access tokens with (RFC 7517 section 5). */
import { z } from 'zod'
import { type Route, route } from './route.ts'

/**
 * How long the keys may be kept. A rotation lists the new key this long before it signs; nothing in the set is secret
 * and it is the same for everybody, so that a shared cache may answer, and a page of any origin may read it.
 */
const maxAgeSeconds = 300

export const anyCache: Readonly<Record<string, string>> = {
  vary: '',
  'cache-control': `public, max-age=${maxAgeSeconds}`,
  'cross-origin-resource-policy': 'cross-origin',
  'access-control-allow-origin': '*',
}

const key = z.object({
  kty: z.string(),
  crv: z.string(),
  x: z.string(),
  y: z.string().optional(),
  kid: z.string(),
  alg: z.string(),
  use: z.literal('sig'),
})

export const jwksRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/.well-known/jwks.json',
    summary: 'The public keys of JWT access tokens',
    access: 'anyone',
    status: 200,
    answer: z.object({ keys: z.array(key) }),
    headers: anyCache,
    handle: ({ services }) => services.holdfast.jwks(),
  }),
]
