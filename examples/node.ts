import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { json } from 'node:stream/consumers'
import { createHoldfast } from 'holdfast'
import { type HeldRequest, holdfastNode, requireSession, sendProblem } from 'holdfast/adapters/node'
import { sqliteStore } from 'holdfast/store/sqlite'
import { checkPassword } from './users.ts'

const secret = process.env.HOLDFAST_SECRET
const holdfast = createHoldfast({ secret, store: sqliteStore('sessions.db'), csrf: { originOnlyPaths: ['/login'] } })

const protect = holdfastNode(holdfast)
const required = requireSession()
const held = (request: IncomingMessage) => (request as HeldRequest).holdfast

async function login(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const subject = await checkPassword(await json(request))
  if (subject !== undefined) await held(request).signIn({ subject })
  response.writeHead(subject === undefined ? 401 : 204).end()
}

const server = createServer((request, response) =>
  protect(request, response, () => {
    const me = () => response.end(JSON.stringify({ subject: held(request).subject }))
    const refuse = (error: unknown) => sendProblem(error, response) || response.writeHead(400).end()
    if (request.url === '/me') required(request, response, me)
    else if (request.url === '/login' && request.method === 'POST') login(request, response).catch(refuse)
    else response.writeHead(404).end()
  }),
)
server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => console.log(server.address()))
