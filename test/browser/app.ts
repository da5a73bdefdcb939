/** A streaming app in this process, which counts what it opened; and a page of somebody else's. */
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { createHoldfast, type Holdfast } from 'holdfast'
import { guardSockets, holdfastErrors, holdfastExpress, startStream } from 'holdfast/adapters/express'
import { memoryStore } from 'holdfast/store/memory'
import { WebSocketServer } from 'ws'

export interface App {
  readonly holdfast: Holdfast
  readonly url: string
  /** `stream` or `socket`, for each that was opened. */
  readonly opened: string[]
  /** What was asked for, and whether a cookie came with it. */
  readonly asked: string[]
  /** The next answer to a refresh is lost on its way to the client. */
  dropNextRefresh(): void
  close(): Promise<void>
}

const askedFor = (what: string, { headers }: IncomingMessage) =>
  `${what} ${headers.cookie === undefined ? 'without' : 'with'} a cookie`

const blank = '<!doctype html><title>page</title><link rel="icon" href="data:,">'

export function listening(server: Server): Promise<{ port: number; close: () => Promise<void> }> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const close = () =>
        new Promise<void>((done) => {
          server.close(() => done())
          server.closeAllConnections()
        })
      resolve({ port: (server.address() as AddressInfo).port, close })
    })
  })
}

/** An empty page on a port of its own. */
export function emptyPage(): Promise<{ port: number; close: () => Promise<void> }> {
  return listening(createServer((_request, response) => response.setHeader('content-type', 'text/html').end(blank)))
}

export async function startApp(): Promise<App> {
  const holdfast = createHoldfast({
    secret: 'k3Jq9vTz1mXw8RbY5nLd2HsG7pCf4Ua0',
    store: memoryStore(),
    csrf: { originOnlyPaths: ['/login', '/tokens'] },
  })
  const opened: string[] = []
  const asked: string[] = []
  let drops = false
  const app = express()
  app.use((request, response, next) => {
    if (request.path !== '/') asked.push(askedFor(request.path, request))
    if (request.path !== '/auth/refresh' || !drops) return next()
    drops = false
    // The session has moved on by then; the client hears nothing of it.
    response.end = () => {
      request.socket.destroy()
      return response
    }
    next()
  })
  app.use(holdfastExpress(holdfast))
  app.get('/', (_request, response) => void response.type('html').send(blank))
  app.post('/login', async (request, response) => {
    await request.holdfast.signIn({ subject: 'alice' })
    response.sendStatus(204)
  })
  app.post('/tokens', async (request, response) => {
    const { accessToken } = await request.holdfast.issueTokens({ subject: 'alice', carrier: 'cookie' })
    response.json({ accessToken })
  })
  app.get('/me', (request, response) => void response.json({ subject: request.holdfast.subject }))
  app.get('/stream', async (request, response) => {
    const stream = await startStream(request, response)
    opened.push('stream')
    stream.send({ data: 'hello' })
  })
  app.use(holdfastErrors())
  const server = createServer(app)
  const sockets = new WebSocketServer({ noServer: true })
  const guard = guardSockets(holdfast, sockets, (socket) => {
    opened.push('socket')
    socket.send('hello')
  })
  server.on('upgrade', (request, socket, head) => {
    asked.push(askedFor('a socket', request))
    guard(request, socket, head)
  })
  const { port, close } = await listening(server)
  return {
    holdfast,
    url: `http://127.0.0.1:${port}`,
    opened,
    asked,
    dropNextRefresh: () => {
      drops = true
    },
    close: async () => {
      await holdfast.close()
      for (const socket of sockets.clients) socket.terminate()
      await close()
    },
  }
}
