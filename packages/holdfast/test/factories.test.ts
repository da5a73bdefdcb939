/** Everything that an app makes or registers, given what TypeScript would not let through: refused by name as the app starts. */

import { describe, expect, it } from 'vitest'
import { WebSocketServer } from 'ws'
import exported from '../../../test/package/export-names.json' with { type: 'json' }
import * as express from '../src/adapters/express.ts'
import * as fastify from '../src/adapters/fastify.ts'
import * as hono from '../src/adapters/hono.ts'
import * as node from '../src/adapters/node.ts'
import * as web from '../src/adapters/web.ts'
import { createApiKeys } from '../src/defence/api-keys.ts'
import { createEventTrail } from '../src/defence/event-trail.ts'
import { createRateLimit } from '../src/defence/limits.ts'
import { createNotices } from '../src/defence/notices.ts'
import { createDenylist, refuseRevoked } from '../src/denylist.ts'
import { createHoldfast } from '../src/index.ts'
import { memoryStore } from '../src/store/memory.ts'
import { postgresStore } from '../src/store/postgres.ts'
import { redisStore } from '../src/store/redis.ts'
import { sqliteStore } from '../src/store/sqlite.ts'
import { fakeClock } from '../src/testing/clock.ts'
import { secret } from './engine/support/start.ts'

// biome-ignore lint/suspicious/noExplicitAny: what this is about is that nobody checked the types.
type Untyped = any
type Factory = (...given: Untyped[]) => unknown

const store = memoryStore()
const clock = fakeClock()
const pool = { query: async () => ({}), on: () => undefined }
const client = { sendCommand: async () => '', isReady: true }
const holdfast = createHoldfast({ secret, store, clock })
const apiKeys = createApiKeys({ store: store.apiKeys, secret, clock })
const denylist = createDenylist({ store, tokenLifetime: '1h', clock })
const sockets = new WebSocketServer({ noServer: true })
const adapters = { express, fastify, hono, node, web }

interface Made {
  readonly make: Factory
  /** What goes before the options, as it should be. */
  readonly before?: readonly unknown[]
  /** What the options must have; null when they may be left out. */
  readonly options: Readonly<Record<string, unknown>> | null
  /** Options of a wrong value or a wrong name, each with what is told of it. */
  readonly wrong?: readonly (readonly [options: object, told: RegExp])[]
}

const guards = (name: string, { requireSession, requireApiKey }: { requireSession: Factory; requireApiKey: Factory }) => [
  [`${name} requireSession`, { make: requireSession, options: null, wrong: wrongRequirements }] as const,
  [
    `${name} requireApiKey`,
    { make: requireApiKey, before: [apiKeys], options: null, wrong: [[{ scope: [] }, /scope: is not/]] },
  ] as const,
]

/** Each let in whom nobody meant to let in, or failed at the first request. */
const wrongRequirements: Made['wrong'] = [
  [{ assurance: null }, /assurance: must be an object/],
  [{ assurance: 'aal2' }, /assurance: must be an object/],
  [{ assurance: { arc: 'aal2' } }, /assurance\.arc: is not an option/],
  [{ assurance: { amr: 'otp' } }, /assurance\.amr: must be a list/],
  [{ assurance: { acr: [undefined] } }, /assurance\.acr: must be a level/],
  [{ attributes: null }, /attributes: must be an object/],
  [{ attributes: [] }, /attributes: must be an object/],
  [{ attributes: 'admin' }, /attributes: must be an object/],
  [{ anonymous: 'no' }, /anonymous: must be true or false/],
]

const made: Readonly<Record<string, Made>> = {
  createHoldfast: { make: createHoldfast, options: { secret, store } },
  createApiKeys: {
    make: createApiKeys,
    options: { store: store.apiKeys, secret },
    wrong: [
      [{ acceptImported: 'false' }, /acceptImported: must be true or false/],
      [{ isOwnerActive: true }, /isOwnerActive: must be a function/],
      [{ keysperowner: 1 }, /keysperowner: is not an option/],
      [{ clock: Date }, /clock: must have the functions now and after/],
    ],
  },
  createEventTrail: {
    make: createEventTrail,
    options: { log: store.eventLog, secrets: [secret] },
    wrong: [
      [{ log: store }, /log: must be the `eventLog` of a store; missing: append, last, read/],
      [{ secrets: 'short' }, /secrets: must have at least 32 characters/],
      [{ secrets: [] }, /secrets: is required/],
      [{ capacity: 0 }, /capacity: must be a whole number/],
      [{ mostPerMinute: '9' }, /mostPerMinute: must be a whole number/],
      [{ capasity: 5 }, /capasity: is not an option/],
    ],
  },
  createNotices: {
    make: createNotices,
    options: { send: () => undefined },
    wrong: [
      [{ quite: '1m' }, /quite: is not an option/],
      [{ onFault: 'log' }, /onFault: must be a function/],
    ],
  },
  createRateLimit: {
    make: createRateLimit,
    options: { counters: store.counters, clock, name: 'x', most: 1, windowMs: 1000, detail: 'too many' },
    wrong: [
      [{ most: undefined }, /most: must be a whole number/],
      [{ most: Number.NaN }, /most: must be a whole number/],
      [{ windowMs: '1m' }, /windowMs: must be a whole number/],
      [{ name: '' }, /name: must be text/],
      [{ window: 5 }, /window: is not an option/],
    ],
  },
  createDenylist: {
    make: createDenylist,
    options: { store, tokenLifetime: '1h' },
    wrong: [[{ clock: null }, /clock: must have the functions now and after/]],
  },
  refuseRevoked: {
    make: refuseRevoked,
    before: [denylist],
    options: null,
    wrong: [
      [{ tokens: () => [] }, /tokens: is not an option/],
      [{ token: 'authorization' }, /token: must be a function/],
    ],
  },
  memoryStore: { make: memoryStore, options: null, wrong: [[{ maxEvents: '5' }, /^maxEvents must be a number$/]] },
  sqliteStore: {
    make: sqliteStore,
    before: ['never-opened/holdfast.db'],
    options: null,
    wrong: [
      [{ busytimeout: 5 }, /^busytimeout: not an option; known are createFolder, busyTimeout, maxBytes$/],
      [{ busyTimeout: '5' }, /^busyTimeout must be a number$/],
      [{ createFolder: 'no' }, /^createFolder must be true or false$/],
      [{ path: 'other.db' }, /^path: not an option/],
    ],
  },
  postgresStore: {
    make: postgresStore,
    before: [pool],
    options: null,
    wrong: [
      [{ listen: 'no' }, /^listen must be a function, or false$/],
      [{ prepare: 'false' }, /^prepare must be true or false$/],
      [{ schema: 5 }, /^schema must be text$/],
    ],
  },
  redisStore: {
    make: redisStore,
    before: [client],
    options: null,
    wrong: [
      [{ prefix: 5 }, /^prefix must be text$/],
      [{ connect: true }, /^connect must be a function$/],
      [{ durability: 'refuse' }, /^durability must be an object$/],
      [{ durability: { whenNotDurble: 'refuse' } }, /^durability\.whenNotDurble: not an option/],
      [{ durability: { whenNotDurable: 'Refuse' } }, /^durability\.whenNotDurable must be accept or refuse$/],
    ],
  },
  holdfastHono: { make: hono.holdfastHono, before: [holdfast], options: null, wrong: [[{ peers: () => '' }, /peers: is not/]] },
  guardSockets: {
    make: node.guardSockets,
    before: [holdfast, sockets, () => undefined],
    options: null,
    wrong: wrongRequirements,
  },
  ...Object.fromEntries(Object.entries(adapters).flatMap(([name, adapter]) => guards(name, adapter))),
}

const none: readonly (readonly [what: string, value: unknown])[] = [
  ['null', null],
  ['text', 'options'],
  ['a list', ['options']],
  ['a number', 5],
]

function faultOf(run: () => unknown): Error {
  try {
    run()
  } catch (fault) {
    return fault as Error
  }
  throw new Error('nothing was thrown')
}

/** Told by us, as one of the two errors of wrong arguments, and not by what happened to fail. */
function expectTold(fault: Error, told: RegExp): void {
  expect(['ConfigurationError', 'TypeError', 'RangeError']).toContain(fault.name)
  expect(fault.message).toMatch(told)
}

describe.each(Object.entries(made))('%s', (_name, { make, before = [], options, wrong = [] }) => {
  it.each(none)('with %s for options says that they must be an object', (_what, value) => {
    expectTold(
      faultOf(() => make(...before, value)),
      /options:? must be an object|not an option/,
    )
  })

  it('without options names what is wanted, or does with none', () => {
    if (options !== null)
      expectTold(
        faultOf(() => make(...before)),
        /options: must be an object/,
      )
    for (const name of Object.keys(options ?? {})) {
      expectTold(
        faultOf(() => make(...before, { ...options, [name]: undefined })),
        new RegExp(`  ${name}[:.]`),
      )
    }
  })

  it.each(wrong)('with %o names it', (given, told) => {
    expectTold(
      faultOf(() => make(...before, { ...options, ...given })),
      told,
    )
  })

  it('with something else before the options says what it wants', () => {
    const values = typeof before[0] === 'object' ? ([...none, ['nothing', undefined]] as const) : []
    for (const [, value] of values) {
      expectTold(
        faultOf(() => make(value, ...before.slice(1))),
        /must be (what|a pool|one of node-redis)|adapter takes what/,
      )
    }
  })
})

const adapted: readonly Factory[] = [
  express.holdfastExpress,
  fastify.holdfastFastify,
  hono.holdfastHono,
  node.holdfastNode,
  web.holdfastWeb,
]

it.each(adapted)('%o takes what createHoldfast returned', (adapt) => {
  for (const given of [undefined, null, 'holdfast', { secret, store }]) {
    expectTold(
      faultOf(() => adapt(given)),
      /an adapter takes what createHoldfast returned/,
    )
  }
})

it('sockets need a server and somebody to tell of them', () => {
  expectTold(
    faultOf(() => node.guardSockets(holdfast, {} as Untyped, () => undefined)),
    /the server must be a WebSocketServer/,
  )
  expectTold(
    faultOf(() => node.guardSockets(holdfast, sockets, undefined as Untyped)),
    /connected must be a function/,
  )
})

it('every factory of the package is tried', () => {
  const factory = /^(?:create|require|refuse|guard)[A-Z]|Store$|^holdfastHono$/
  const names = Object.values(exported)
    .flat()
    .filter((name) => factory.test(name) && name !== 'faultyStore')
  const tried = Object.keys(made).map((name) => name.split(' ').at(-1))
  expect([...new Set(names)].sort()).toEqual([...new Set(tried)].sort())
})
