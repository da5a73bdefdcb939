import { createServer, type IncomingMessage, type OutgoingHttpHeader, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from 'vitest'
import type { RequestHeaders } from '../../src/http/carrier.ts'
import { NodeCarrier } from '../../src/http/node.ts'
import { type Answered, type Asked, send } from './harness.ts'

/** What a client gets when a handler uses the carrier and the response as it likes. */
async function answerOf(
  handler: (carrier: NodeCarrier, response: ServerResponse, request: IncomingMessage) => void,
  headers: Asked['headers'] = {},
): Promise<Answered> {
  const server = createServer((request, response) => handler(new NodeCarrier(request, response), response, request))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    return await send(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, { path: '/', headers })
  } finally {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
}

const ours = 'session=ours; Path=/'
const namesOf = (answered: Answered) => answered.setCookies.map((line) => line.split(';', 1)[0]).sort()

describe('cookies on a response of Node', () => {
  const careless: Readonly<Record<string, (response: ServerResponse) => void>> = {
    'setHeader with one value': (response) => response.setHeader('Set-Cookie', 'app=1').end(),
    'setHeader with a list': (response) => response.setHeader('set-cookie', ['app=1']).end(),
    appendHeader: (response) => response.appendHeader('set-cookie', 'app=1').end(),
    'writeHead with an object': (response) => response.writeHead(200, { 'Set-Cookie': 'app=1' }).end(),
    'writeHead with an object and a list': (response) => response.writeHead(200, { 'SET-COOKIE': ['app=1'] }).end(),
    'writeHead with a reason and an object': (response) => response.writeHead(200, 'fine', { 'set-cookie': 'app=1' }).end(),
    'writeHead with no reason and an object': (response) =>
      response.writeHead(200, undefined as unknown as string, { 'set-cookie': 'app=1' }).end(),
    setHeaders: (response) => response.setHeaders(new Map([['set-cookie', 'app=1']])).end(),
    'writeHead with a flat list': (response) => response.writeHead(200, ['Set-Cookie', 'app=1', 'x-a', 'b']).end(),
    'writeHead with pairs': (response) =>
      response.writeHead(200, [['Set-Cookie', 'app=1']] as unknown as OutgoingHttpHeader[]).end(),
    'removeHeader first': (response) => {
      response.removeHeader('set-cookie')
      response.setHeader('set-cookie', 'app=1').end()
    },
  }

  test.each(Object.keys(careless))('stay beside the ones an app sets by %s', async (form) => {
    const answered = await answerOf((carrier, response) => {
      carrier.setCookie('session', ours)
      careless[form]?.(response)
    })
    expect(namesOf(answered)).toEqual(['app=1', 'session=ours'])
  })

  test('take the place of an earlier one of the same name, and leave look-alikes', async () => {
    const answered = await answerOf((carrier, response) => {
      response.setHeader('set-cookie', ['session=old', 'session2=app'])
      carrier.setCookie('session', 'session=first')
      carrier.setCookie('session', ours)
      response.end()
    })
    expect(namesOf(answered)).toEqual(['session2=app', 'session=ours'])
  })

  test('keep the answer out of caches, whatever the app says afterwards', async () => {
    const answered = await answerOf((carrier, response) => {
      carrier.setHeader('cache-control', 'no-store')
      carrier.setCookie('session', ours)
      response.writeHead(201, 'made', { 'Cache-Control': 'public, max-age=60', 'x-number': 7, 'x-list': ['a', 'b'] })
      response.end('body')
    })
    expect(answered.status).toBe(201)
    expect(answered.headers['cache-control']).toBe('no-store')
    expect([answered.headers['x-number'], answered.headers['x-list'], answered.text]).toEqual(['7', 'a, b', 'body'])
  })

  test('a default gives way to what the app set before or sets after', async () => {
    const before = await answerOf((carrier, response) => {
      response.setHeader('cache-control', 'private')
      carrier.setDefault('cache-control', 'no-store')
      response.end()
    })
    const after = await answerOf((carrier, response) => {
      carrier.setDefault('cache-control', 'no-store')
      response.writeHead(200, { 'Cache-Control': 'private' }).end()
    })
    const never = await answerOf((carrier, response) => {
      carrier.setDefault('cache-control', 'no-store')
      response.end()
    })
    expect([before, after, never].map(({ headers }) => headers['cache-control'])).toEqual(['private', 'private', 'no-store'])
  })

  test('a response that sets no cookie is not touched', async () => {
    const answered = await answerOf((_carrier, response) => {
      const own = Object.hasOwn(response, 'writeHead')
      response.end(String(own))
    })
    expect(answered.text).toBe('false')
    expect(answered.setCookies).toEqual([])
  })
})

describe('headers of a request of Node', () => {
  /** What the carrier tells of one name that comes twice. */
  async function joined(name: string): Promise<string | undefined> {
    const answered = await answerOf(
      (carrier, response) => void response.end(JSON.stringify(carrier.headers[name as keyof RequestHeaders] ?? null)),
      { [name]: ['one', 'two'] },
    )
    return (answered.json() as unknown as string | null) ?? undefined
  }

  // A proxy in front may read the other one: which of two counts must not change unnoticed.
  test('authorization is told with all of its lines, and as a middleware before left it', async () => {
    const told = async (lines: readonly string[], edit: (request: IncomingMessage) => unknown = () => undefined) =>
      (
        await answerOf(
          (carrier, response, request) => {
            edit(request)
            response.end(carrier.authorization ?? 'none')
          },
          { authorization: lines },
        )
      ).text
    expect(await told(['one', 'two'])).toBe('one, two')
    expect(await told(['', 'two'])).toBe(', two')
    expect(await told(['one'])).toBe('one')
    expect(await told([])).toBe('none')
    expect(await told(['one', 'two'], ({ headers }) => delete headers.authorization)).toBe('none')
    expect(await told(['one', 'two'], ({ headers }) => Object.assign(headers, { authorization: 'three' }))).toBe('three')
  })

  test.each([
    ['user-agent', 'one'],
    ['content-type', 'one'],
    ['origin', 'one, two'],
    ['forwarded', 'one, two'],
    ['x-forwarded-for', 'one, two'],
    ['x-forwarded-proto', 'one, two'],
    ['x-forwarded-host', 'one, two'],
    ['x-real-ip', 'one, two'],
    ['x-csrf-token', 'one, two'],
    ['x-anon-session-token', 'one, two'],
    ['sec-fetch-site', 'one, two'],
  ])('%s sent twice counts as %j', async (name, expected) => expect(await joined(name)).toBe(expected))
})
