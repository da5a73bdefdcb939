import Fastify from 'fastify'
import { createHoldfast } from 'holdfast'
import { holdfastFastify, requireSession } from 'holdfast/adapters/fastify'
import { sqliteStore } from 'holdfast/store/sqlite'
import { checkPassword } from './users.ts'

const secret = process.env.HOLDFAST_SECRET
const holdfast = createHoldfast({ secret, store: sqliteStore('sessions.db'), csrf: { originOnlyPaths: ['/login'] } })

const app = Fastify()
await app.register(holdfastFastify(holdfast))
app.post('/login', async (request, reply) => {
  const subject = await checkPassword(request.body)
  if (subject === undefined) return reply.code(401).send()
  await request.holdfast.signIn({ subject })
  return reply.code(204).send()
})
app.get('/me', { preHandler: requireSession() }, (request) => ({ subject: request.holdfast.subject }))
await app.listen({ port: Number(process.env.PORT ?? 3000), host: '127.0.0.1' })
console.log(app.server.address())
