// Fetch handlers, as Next.js, Deno and Bun have them. `served.ts` puts them on a Node server.
import { createHoldfast } from 'holdfast'
import { holdfastWeb, requireSession } from 'holdfast/adapters/web'
import { sqliteStore } from 'holdfast/store/sqlite'
import { serve } from './served.ts'
import { checkPassword } from './users.ts'

const secret = process.env.HOLDFAST_SECRET
const holdfast = createHoldfast({ secret, store: sqliteStore('sessions.db'), csrf: { originOnlyPaths: ['/login'] } })

const required = requireSession()
const app = holdfastWeb(holdfast)(async (request, held) => {
  const { pathname } = new URL(request.url)
  if (pathname === '/me') return required(held) ?? Response.json({ subject: held.subject })
  if (pathname !== '/login' || request.method !== 'POST') return new Response(null, { status: 404 })
  const subject = await checkPassword(await request.json())
  if (subject === undefined) return new Response(null, { status: 401 })
  await held.signIn({ subject })
  return new Response(null, { status: 204 })
})
serve(app)
