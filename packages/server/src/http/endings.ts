/**
 * When a request is over: its answer is with the connection, or its client has gone and its handler is done. Fastify tells of
 * the first alone: whoever hangs up on purpose would be in no log, and in the count of requests under way for ever.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

export type Ended = (request: FastifyRequest, reply: FastifyReply) => void

interface Progress {
  /** The connection takes nothing more. */
  isClosed: boolean
  /** The handler has given its answer: what is under way after that is the connection's. */
  isAnswered: boolean
  readonly end: () => void
}

const progress: WeakMap<FastifyRequest, Progress> = new WeakMap()

/** Its handler has given an answer by other means than the reply: a stream. */
export function handedOver(request: FastifyRequest): void {
  const about = progress.get(request)
  if (about === undefined) return
  about.isAnswered = true
  if (about.isClosed) about.end()
}

/** Returns what takes listeners, each called once a request. */
export function installEndings(app: FastifyInstance): (listener: Ended) => void {
  const listeners: Ended[] = []
  app.addHook('onRequest', (request, reply, done) => {
    let isOver = false
    const end = () => {
      if (isOver) return
      isOver = true
      for (const listener of listeners) listener(request, reply)
    }
    const about: Progress = { isClosed: false, isAnswered: false, end }
    progress.set(request, about)
    reply.raw.once('close', () => {
      about.isClosed = true
      if (about.isAnswered) end()
    })
    done()
  })
  app.addHook('onSend', (request, _reply, payload, done) => {
    handedOver(request)
    done(null, payload)
  })
  app.addHook('onResponse', (request, _reply, done) => {
    progress.get(request)?.end()
    done()
  })
  return (listener) => listeners.push(listener)
}
