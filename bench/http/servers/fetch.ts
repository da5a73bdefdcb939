/** A fetch handler of its own, on the same Node server as Hono's. */
import type { Server } from 'node:http'
import { serve as serveFetch } from '@hono/node-server'
import { holdfastWeb, requireSession } from 'holdfast/adapters/web'
import { freshHoldfast } from '../../shared/holdfast.ts'
import { host, type Listening, listening, nobody, subjectIn } from './server.ts'

type Handler = (request: Request) => Response | Promise<Response>

function serve(fetch: Handler): Promise<Listening> {
  return listening(serveFetch({ fetch, port: 0, hostname: host }) as Server)
}

function isMe(request: Request): boolean {
  return request.method === 'GET' && request.url.endsWith('/me')
}

export function bare(): Promise<Listening> {
  return serve((request) => (isMe(request) ? Response.json(nobody) : new Response(null, { status: 404 })))
}

export function withHoldfast(): Promise<Listening> {
  const guard = requireSession()
  const handle = holdfastWeb(freshHoldfast())(async (request, held) => {
    if (isMe(request)) return guard(held) ?? Response.json({ subject: held.subject })
    await held.signIn({ subject: subjectIn(request.url) })
    return Response.json({})
  })
  // The server binds loopback and every request of this benchmark comes from there.
  return serve((request) => handle(request, { ip: host }))
}
