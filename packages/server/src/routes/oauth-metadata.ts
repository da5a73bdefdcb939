/** What stock OAuth clients ask first (RFC 8414). */
import { z } from 'zod'
import { publicOrigin } from '../config/config.ts'
import { anyCache } from './jwks.ts'
import { type Route, route } from './route.ts'

const byKey = ['client_secret_basic', 'client_secret_post'] as const

/** Nothing is named that is not enforced (ASVS 10.4): no authorization endpoint, hence no response type. */
function metadataOf(issuer: string) {
  return {
    issuer,
    token_endpoint: `${issuer}/oauth/token`,
    token_endpoint_auth_methods_supported: ['none', ...byKey],
    revocation_endpoint: `${issuer}/oauth/revoke`,
    revocation_endpoint_auth_methods_supported: ['none', ...byKey],
    introspection_endpoint: `${issuer}/oauth/introspect`,
    introspection_endpoint_auth_methods_supported: [...byKey, 'Bearer'],
    jwks_uri: `${issuer}/.well-known/jwks.json`,
    grant_types_supported: ['refresh_token'],
    response_types_supported: [] as string[],
  }
}

const texts = z.array(z.string())

export const oauthMetadataRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/.well-known/oauth-authorization-server',
    summary: 'The OAuth endpoints and how clients authenticate to them (RFC 8414)',
    access: 'anyone',
    status: 200,
    answer: z.object({
      issuer: z.string(),
      token_endpoint: z.string(),
      token_endpoint_auth_methods_supported: texts,
      revocation_endpoint: z.string(),
      revocation_endpoint_auth_methods_supported: texts,
      introspection_endpoint: z.string(),
      introspection_endpoint_auth_methods_supported: texts,
      jwks_uri: z.string(),
      grant_types_supported: texts,
      response_types_supported: texts,
    }),
    headers: anyCache,
    handle: ({ services }) => metadataOf(publicOrigin(services.config)),
  }),
]
