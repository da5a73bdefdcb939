/** A chat for visitors and for people who signed in: answers as server-sent events, and who is here by WebSocket. */
import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import express, { type Request, type Response } from 'express'
import { createHoldfast, HoldfastError, type Session } from 'holdfast'
import {
  anonymousStream,
  guardSockets,
  holdfastErrors,
  holdfastExpress,
  requireSession,
  startStream,
} from 'holdfast/adapters/express'
import { sqliteStore } from 'holdfast/store/sqlite'
import { WebSocketServer } from 'ws'
import { Conversations } from './conversations.ts'
import { echo } from './echo.ts'
import { find, isPasswordOf } from './people.ts'
import { Presence } from './presence.ts'
import { readLogin, readSaying } from './requests.ts'

const store = sqliteStore('chat.db')
const secret = process.env.HOLDFAST_SECRET
const holdfast = createHoldfast({ secret, store, csrf: { originOnlyPaths: ['/login'] } })
const conversations = new Conversations()
const presence = new Presence()

const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; form-action 'none'"
const pageHeaders = {
  'content-security-policy': `${policy}; base-uri 'none'; frame-ancestors 'none'`,
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
}

/** Signing in merges a visitor's attributes into the new session, so the conversation goes on under the new id. */
function conversationOf({ id, attributes }: Session) {
  return conversations.of(typeof attributes.conversation === 'string' ? attributes.conversation : id)
}

/** A visitor's first message starts their session; until then nothing is stored. */
async function converse(request: Request, response: Response): Promise<void> {
  const { text, carrier } = readSaying(request.body)
  const stream = await anonymousStream(request, response, { carrier, attributes: { conversation: randomUUID() } })
  const conversation = conversationOf(stream.session)
  const question = conversation.say({ from: 'you', text })
  stream.send({ event: 'message', data: { ...question } })
  let answer = ''
  for await (const word of echo(text, stream.signal)) {
    stream.send({ event: 'word', data: { answers: question.number, word } })
    answer += word
  }
  if (stream.ended) return
  stream.send({ event: 'message', data: { ...conversation.say({ from: 'echo', text: answer, answers: question.number }) } })
  stream.end()
}

/** What is said in any tab of this session; a client that connects again goes on where it was. */
async function follow(request: Request, response: Response): Promise<void> {
  const stream = await startStream(request, response)
  const tell = (message: { readonly number: number }) =>
    stream.send({ event: 'message', data: { ...message }, id: String(message.number) })
  conversationOf(stream.session).follow(Number(stream.lastEventId ?? 0), tell, stream.signal)
}

async function login(request: Request, response: Response): Promise<void> {
  const { username, password } = readLogin(request.body)
  const person = find(username)
  const attempt = await request.holdfast.attempt({ name: username, subject: person?.subject ?? null })
  const isRight = await isPasswordOf(person, password)
  if (!attempt.allowed) throw attempt.error
  if (person === undefined || !isRight) {
    await attempt.failed()
    throw new HoldfastError('invalid-credentials')
  }
  await attempt.succeeded()
  await request.holdfast.signIn({ subject: person.subject, attributes: { role: person.role }, amr: ['pwd'] })
  response.sendStatus(204)
}

/** An operator ends somebody's session: their page is told at once, on every node. */
async function expel(request: Request<{ session: string }>, response: Response): Promise<void> {
  const { revoked } = await holdfast.revoke({ session: request.params.session }, { reason: 'admin' })
  response.sendStatus(revoked.length > 0 ? 204 : 404)
}

const app = express()
app.disable('x-powered-by')
app.use((_request, response, next) => next(void response.set(pageHeaders)))
app.use(express.static(fileURLToPath(new URL('page', import.meta.url))))
app.use(holdfastExpress(holdfast), express.json({ limit: '16kb' }))
app.post('/converse', converse)
app.get('/events', follow)
app.post('/login', login)
app.delete('/sessions/:session', requireSession({ attributes: { role: 'operator' } }), expel)
app.use(holdfastErrors())
const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => console.log(server.address()))

const sockets = new WebSocketServer({ noServer: true, maxPayload: 1024 })
server.on(
  'upgrade',
  guardSockets(holdfast, sockets, (socket, { session }) => presence.join(socket, session), { anonymous: true }),
)

/** Streams and sockets are told to come again, and what is under way is finished. */
process.once('SIGTERM', async () => {
  server.close()
  await holdfast.close()
  await store[Symbol.asyncDispose]?.()
})
