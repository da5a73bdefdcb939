/** A receiver of webhooks on a free port, which does as it is told and verifies by WebCrypto alone. */
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Got {
  readonly headers: IncomingHttpHeaders
  readonly body: string
  // biome-ignore lint/suspicious/noExplicitAny: what came over the wire is checked by the tests' assertions.
  readonly json: any
  readonly path: string
}

export interface Receiver {
  readonly url: string
  readonly got: readonly Got[]
  /** Answers each request that follows. */
  answer: (response: ServerResponse, at: number) => void
  /** Resolves when so many have come. */
  came(count: number): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export async function receiver(): Promise<Receiver> {
  const got: Got[] = []
  const waiting: { readonly count: number; readonly resolve: () => void }[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => {
      body += String(chunk)
    })
    request.on('end', () => {
      got.push({ headers: request.headers, body, json: JSON.parse(body), path: request.url ?? '' })
      self.answer(response, got.length)
      for (const { count, resolve } of waiting) if (got.length >= count) resolve()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const self: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    got,
    answer: (response) => response.writeHead(204).end(),
    came: (count) =>
      new Promise((resolve) => {
        if (got.length >= count) resolve()
        else waiting.push({ count, resolve })
      }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  return self
}

/** What a receiver does by the specification, with nothing of ours. */
export async function isSigned({ headers, body }: Pick<Got, 'headers' | 'body'>, secret: string): Promise<boolean> {
  const key = await crypto.subtle.importKey(
    'raw',
    Buffer.from(secret.replace(/^whsec_/, ''), 'base64'),
    { name: 'HMAC', hash: 'SHA-256' },
    false,
    ['verify'],
  )
  const signed = new TextEncoder().encode(`${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`)
  const signatures = String(headers['webhook-signature']).split(' ')
  const results = signatures.map((signature) =>
    crypto.subtle.verify('HMAC', key, Buffer.from(signature.replace(/^v1,/, ''), 'base64'), signed),
  )
  return (await Promise.all(results)).includes(true)
}
