import { createServer } from 'node:http'
import { json } from 'node:stream/consumers'
import { createHoldfast } from 'holdfast'
import { type HeldRequest, holdfastNode, requireSession, sendProblem } from 'holdfast/adapters/node'
import { sqliteStore } from 'holdfast/store/sqlite'
import { checkPassword } from './users.ts'

const secret = process.env.HOLDFAST_SECRET ?? ''
const holdfast = createHoldfast({ secret, store: sqliteStore('sessions.db'), csrf: { originOnlyPaths: ['/login'] } })

const protect = holdfastNode(holdfast)
const required = requireSession()
const server = createServer((request, response) =>
  protect(request, response, async () => {
    const held = (request as HeldRequest).holdfast
    if (request.url === '/me') return required(request, response, () => response.end(JSON.stringify({ subject: held.subject })))
    if (request.url !== '/login' || request.method !== 'POST') return response.writeHead(404).end()
    try {
      const subject = await checkPassword(await json(request))
      if (subject !== undefined) await held.signIn({ subject })
      response.writeHead(subject === undefined ? 401 : 204).end()
    } catch (error) {
      if (!sendProblem(error, response)) response.writeHead(400).end()
    }
  }),
)
server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => console.log(server.address()))
