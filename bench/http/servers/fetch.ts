/** A fetch handler of its own, on the same Node server as Hono's. */
import type { Server } from 'node:http'
import { serve as serveFetch } from '@hono/node-server'
import { type ConnectionInfo, holdfastWeb, requireSession } from 'holdfast/adapters/web'
import { freshHoldfast } from '../../shared/holdfast.ts'
import { host, type Listening, listening, nobody, subjectIn } from './server.ts'

type Handler = (request: Request, info: ConnectionInfo) => Response | Promise<Response>

/** One handler a route, as frameworks of this kind have them. */
function serve(me: Handler, other: Handler): Promise<Listening> {
  const fetch = (request: Request, info: ConnectionInfo) =>
    request.method === 'GET' && request.url.endsWith('/me') ? me(request, info) : other(request, info)
  return listening(serveFetch({ fetch, port: 0, hostname: host }) as Server)
}

export function bare(): Promise<Listening> {
  return serve(
    () => Response.json(nobody),
    () => new Response(null, { status: 404 }),
  )
}

export function withHoldfast(): Promise<Listening> {
  const guard = requireSession()
  const withSession = holdfastWeb(freshHoldfast())
  return serve(
    withSession((_request, held) => guard(held) ?? Response.json({ subject: held.subject })),
    withSession(async (request, held) => {
      await held.signIn({ subject: subjectIn(request.url) })
      return Response.json({})
    }),
  )
}
