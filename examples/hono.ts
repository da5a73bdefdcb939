import { serve } from '@hono/node-server'
import { createHoldfast } from 'holdfast'
import { holdfastHono, requireSession } from 'holdfast/adapters/hono'
import { sqliteStore } from 'holdfast/store/sqlite'
import { Hono } from 'hono'
import { checkPassword } from './users.ts'

const secret = process.env.HOLDFAST_SECRET
const holdfast = createHoldfast({ secret, store: sqliteStore('sessions.db'), csrf: { originOnlyPaths: ['/login'] } })

const app = new Hono()
app.use(holdfastHono(holdfast))
app.post('/login', async (c) => {
  const subject = await checkPassword(await c.req.json())
  if (subject === undefined) return c.body(null, 401)
  await c.get('holdfast').signIn({ subject })
  return c.body(null, 204)
})
app.get('/me', requireSession(), (c) => c.json({ subject: c.get('holdfast').subject }))
serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 3000), hostname: '127.0.0.1' }, (address) => console.log(address))
