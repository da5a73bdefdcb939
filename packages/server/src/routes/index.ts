/** Every route of the server's own. The library adds `/auth/session`, `/auth/sessions`, `/auth/logout`, `/auth/anonymous`. */
import { z } from 'zod'
import { openApiDocument } from '../openapi.ts'
import { adminEventRoutes } from './admin-events.ts'
import { adminLockoutRoutes } from './admin-lockouts.ts'
import { adminSessionRoutes } from './admin-sessions.ts'
import { adminUserRoutes } from './admin-users.ts'
import { healthRoutes } from './health.ts'
import { indexRoutes } from './index-of-server.ts'
import { jwksRoutes } from './jwks.ts'
import { keyRoutes } from './keys.ts'
import { metricsRoutes } from './metrics.ts'
import { oauthRoutes } from './oauth.ts'
import { oauthMetadataRoutes } from './oauth-metadata.ts'
import { passwordRoutes } from './password.ts'
import { type Route, route } from './route.ts'
import { setupRoutes } from './setup.ts'
import { signInRoutes } from './sign-in.ts'
import { tokenRoutes } from './tokens.ts'

const described: readonly Route[] = [
  ...setupRoutes,
  ...signInRoutes,
  ...passwordRoutes,
  ...keyRoutes,
  ...tokenRoutes,
  ...oauthRoutes,
  ...oauthMetadataRoutes,
  ...adminUserRoutes,
  ...adminSessionRoutes,
  ...adminEventRoutes,
  ...adminLockoutRoutes,
  ...jwksRoutes,
  ...indexRoutes,
  ...healthRoutes,
  ...metricsRoutes,
]

const document = openApiDocument(described)

export const routes: readonly Route[] = [
  ...described,
  route({
    method: 'GET',
    path: '/openapi.json',
    summary: 'This interface as OpenAPI 3.1',
    access: 'anyone',
    status: 200,
    answer: z.object({}),
    handle: () => document,
  }),
]
