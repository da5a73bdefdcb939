/** Plain `node:http`. */
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { Holdfast } from 'holdfast'
import { type HeldRequest, holdfastNode, requireSession } from 'holdfast/adapters/node'
import { freshHoldfast } from '../../shared/holdfast.ts'
import { host, isLogin, type Listening, listening, nobody, subjectIn } from './server.ts'

function sendJson(response: ServerResponse, value: object): void {
  response.setHeader('content-type', 'application/json; charset=utf-8')
  response.end(JSON.stringify(value))
}

function serve(listener: RequestListener): Promise<Server> {
  return listening(createServer(listener).listen(0, host))
}

export function bare(): Promise<Listening> {
  return serve((request, response) => {
    if (request.method === 'GET' && request.url === '/me') return sendJson(response, nobody)
    response.statusCode = 404
    return response.end()
  })
}

/** What any guard costs here: one header more. */
export function withHeader(): Promise<Listening> {
  return serve((request, response) => {
    if (request.method === 'GET' && request.url === '/me') {
      response.setHeader('cache-control', 'no-store')
      return sendJson(response, nobody)
    }
    response.statusCode = 404
    return response.end()
  })
}

/** The bare server, each request handed on once those that arrived with it are read, as Holdfast does it. */
export function handedOn(): Promise<Listening> {
  return serve((request, response) => {
    setImmediate(() => {
      if (request.method === 'GET' && request.url === '/me') return sendJson(response, nobody)
      response.statusCode = 404
      return response.end()
    })
  })
}

export function withHoldfast(): Promise<Listening> {
  return serveWith(freshHoldfast())
}

/** `seen`: told of each authenticated request before it is answered. */
export function serveWith(holdfast: Holdfast, seen: (request: HeldRequest) => void = () => {}): Promise<Server> {
  const protect = holdfastNode(holdfast)
  const guard = requireSession()
  return serve((request, response) =>
    protect(request, response, () => {
      const { holdfast } = request as HeldRequest
      if (request.method === 'GET' && request.url === '/me') {
        return guard(request, response, () => {
          seen(request as HeldRequest)
          sendJson(response, { subject: holdfast.subject })
        })
      }
      if (isLogin(request)) {
        return void holdfast.signIn({ subject: subjectIn(request.url) }).then(() => sendJson(response, {}))
      }
      response.statusCode = 404
      return void response.end()
    }),
  )
}
