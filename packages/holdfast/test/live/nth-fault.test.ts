/**
 * Each way to open a connection, and signing in, with a fault at the first store call, then at the second, and so on until
 * it runs through, before and after the call takes effect. Over real HTTP: whatever happened is told as "cannot tell",
 * nothing is half done, and trying again gets through.
 */
import { connect, type Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { ticketProtocol } from '../../src/shared/live.ts'
import { type FaultApp, faultApp, filledStore, handshake } from './fault-app.ts'
import { turn, until } from './sockets.ts'
import { read } from './streams.ts'

type Filled = Awaited<ReturnType<typeof filledStore>>

interface Scene extends FaultApp, Pick<Filled, 'visitor' | 'user'> {
  readonly ticket: string
}

interface Outcome {
  readonly status: number
  /** What the client was given to hold. */
  readonly token?: string | undefined
}

interface Operation {
  /** What it is answered when all is well. */
  readonly succeeds: number
  run(scene: Scene): Promise<Outcome>
  /** What a retry may be answered, where a fault may have used something up. */
  readonly retries?: readonly number[]
  /** Beyond what holds for all. */
  done?(scene: Scene): Promise<void>
}

async function stream(url: string, headers: Record<string, string> = {}): Promise<Outcome> {
  const reader = await read(`${url}/`, headers)
  const token = reader.headers['x-anon-session-token']
  if (reader.status === 503) expect(reader.headers['retry-after']).toBeDefined()
  if (reader.status === 200) await reader.until('event: session_token')
  reader.close()
  await reader.over
  return { status: reader.status, token: token === undefined ? undefined : String(token) }
}

async function post(url: string, headers: Record<string, string>): Promise<Outcome> {
  const answer = await fetch(url, { method: 'POST', headers })
  await answer.arrayBuffer()
  if (answer.status === 503) expect(answer.headers.get('retry-after')).not.toBeNull()
  const cookie = answer.headers.getSetCookie().find((line) => line.startsWith('session='))
  return { status: answer.status, token: /session=([^;]+)/.exec(cookie ?? '')?.[1] }
}

const anonymous = ({ visitor }: Scene) => ({ 'x-anon-session-token': visitor.token })
const bearer = ({ user }: Scene) => ({ authorization: `Bearer ${user.token}` })

const operations: Record<string, Operation> = {
  'a stream that starts a session': { succeeds: 200, run: ({ url }) => stream(url) },
  'a stream that resumes one': { succeeds: 200, run: (scene) => stream(scene.url, anonymous(scene)) },
  'a sign-in that promotes a visitor': {
    succeeds: 204,
    run: (scene) => post(`${scene.url}/login`, anonymous(scene)),
    async done({ raw, visitor }) {
      expect((await raw.get(visitor.session.id))?.reason).toBe('promoted')
    },
    // The first may have gone through although its answer was lost: the visitor is alice by then.
    retries: [204, 403],
  },
  'the route of tickets': { succeeds: 201, run: (scene) => post(`${scene.url}/auth/ticket`, bearer(scene)) },
  'a socket by a token': {
    succeeds: 101,
    run: async (scene) => ({ status: await handshake(scene.url, bearer(scene), []) }),
  },
  'a socket by a ticket': {
    succeeds: 101,
    run: async ({ url, ticket }) => ({ status: await handshake(url, {}, ['chat', `${ticketProtocol}${ticket}`]) }),
    // Spent by what the store did before the fault: it opens one connection at most.
    retries: [101, 401],
  },
}

/** Every session that lives is one that somebody holds. */
async function heldOnly({ raw, clock, visitor, user }: Scene, outcomes: readonly Outcome[], holdfast: FaultApp['holdfast']) {
  const held = new Set([visitor.session.id, user.session.id])
  for (const { token } of outcomes) {
    const verdict = token === undefined ? undefined : await holdfast.verify(token)
    if (verdict?.status === 'live') held.add(verdict.session.id)
  }
  const { items } = await raw.list({ liveAt: clock.now(), limit: 100 })
  expect(items.map(({ id }) => id).filter((id) => !held.has(id))).toEqual([])
}

/** Returns whether the n-th call was reached. */
async function runWithFault(operation: Operation, n: number, mode: 'fail-before' | 'fail-after'): Promise<boolean> {
  const filled = await filledStore()
  const app = await faultApp(filled.raw, filled.clock)
  const { ticket } = await app.holdfast.issueTicket(filled.user.session)
  const scene: Scene = { ...app, visitor: filled.visitor, user: filled.user, ticket }
  try {
    const before = app.store.calls()
    app.store.plan({ mode, nth: n })
    const first = await operation.run(scene)
    const reached = app.store.calls() - before >= n
    expect([operation.succeeds, 503]).toContain(first.status)
    app.store.heal()
    // Only what is open holds a place.
    if (first.status !== 101) await until(() => app.holdfast.stats().connections === 0 && app.holdfast.http.live.count === 0)
    await heldOnly(scene, [first], app.holdfast)
    if (first.status === 503) {
      // A claim that could not be given back has its time.
      app.clock.advance(11_000)
      const second = await operation.run(scene)
      expect(operation.retries ?? [operation.succeeds]).toContain(second.status)
      await heldOnly(scene, [first, second], app.holdfast)
    }
    await operation.done?.(scene)
    return reached
  } finally {
    await app.stop()
  }
}

describe.each(Object.entries(operations))('%s', (_, operation) => {
  it.each(['fail-before', 'fail-after'] as const)('survives a fault at each of its store calls, %s', async (mode) => {
    let n = 1
    while (await runWithFault(operation, n, mode)) n += 1
    expect(n).toBeGreaterThan(1)
  })
})

/** The bytes of an opening handshake, so that the connection can be reset in the middle of it. */
function dial(url: string, token: string): Socket {
  const upgrade = [
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
  ]
  const lines = ['GET / HTTP/1.1', 'Host: 127.0.0.1', `Authorization: Bearer ${token}`, ...upgrade]
  const client = connect(Number(new URL(url).port), '127.0.0.1')
  client.write(`${lines.join('\r\n')}\r\n\r\n`)
  return client
}

async function turns(count: number): Promise<void> {
  for (let at = 0; at < count; at += 1) await turn()
}

it('a client that resets its connection while its session is looked up ends nothing but itself', async () => {
  const { raw, clock, user } = await filledStore()
  await raw.revoke({ id: user.session.id }, { at: clock.now(), reason: 'logout' })
  const app = await faultApp(raw, clock)
  app.store.plan({ mode: 'hold-before', on: 'get' })
  const client = dial(app.url, user.token)
  await until(() => app.store.held === 1)
  client.resetAndDestroy()
  await turns(20)
  // The refusal is written to a connection that is gone: unheard, that error would end the process.
  app.store.release()
  await turns(20)
  expect(app.holdfast.http.live.count).toBe(0)
  await app.stop()
})

it('a hundred clients that give up while their session is looked up leave no place taken', async () => {
  const { raw, clock, user } = await filledStore()
  const app = await faultApp(raw, clock)
  app.store.plan({ mode: 'hold-before', on: 'get' })
  const clients = Array.from({ length: 100 }, () => dial(app.url, user.token))
  await until(() => app.store.held === 1)
  await turns(100)
  for (const client of clients) client.resetAndDestroy()
  await turns(100)
  app.store.release()
  await turns(100)
  expect([app.holdfast.http.live.count, app.holdfast.stats().connections]).toEqual([0, 0])
  expect(await handshake(app.url, { authorization: `Bearer ${user.token}` }, [])).toBe(101)
  await app.stop()
})
