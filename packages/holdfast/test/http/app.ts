/** The app under test, once: routes as a table that each adapter puts on its framework. */

import {
  createHoldfast,
  type Holdfast,
  type HoldfastOptions,
  type HoldfastRequest,
  type SessionRequirement,
} from '../../src/index.ts'
import type { CounterStore } from '../../src/store/counters.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { SessionStore, Store } from '../../src/store/store.ts'
import { type FakeClock, fakeClock } from '../../src/testing/clock.ts'
import type { Answered, Browser } from './harness.ts'

export interface Reply {
  readonly status?: number
  readonly json: unknown
  /** The app's own cookies, set the framework's way after the handler ran. */
  readonly cookies?: readonly string[]
  /** The app's own `Cache-Control`. */
  readonly cache?: string
}

export interface AppRoute {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly requires?: SessionRequirement
  run(held: HoldfastRequest, body: Readonly<Record<string, unknown>>): Reply | Promise<Reply>
}

/** Lets a test hold a request open inside its handler. */
export class Turnstile {
  #arrived: () => void = () => undefined
  #open: () => void = () => undefined
  arrived: Promise<void> = Promise.resolve()
  #gate: Promise<void> = Promise.resolve()

  close(): void {
    this.arrived = new Promise((resolve) => {
      this.#arrived = resolve
    })
    this.#gate = new Promise((resolve) => {
      this.#open = resolve
    })
  }

  open(): void {
    this.#open()
  }

  pass(): Promise<void> {
    this.#arrived()
    return this.#gate
  }
}

export interface World {
  readonly holdfast: Holdfast
  readonly clock: FakeClock
  readonly turnstile: Turnstile
  readonly routes: readonly AppRoute[]
  /** How often `/change` ran: what a forged request must not move. */
  changes(): number
  /** Makes every store call throw, and the change feed with it. */
  failStore(failing: boolean): void
  /** Makes only writes throw. */
  failWrites(failing: boolean): void
}

type Fault = 'none' | 'writes' | 'all'
const writes: readonly (keyof SessionStore)[] = ['insert', 'replace', 'touch', 'revoke', 'sweep']

function faulty<T extends object>(target: T, fails: (name: string) => boolean): T {
  return new Proxy(target, {
    get(object, name) {
      const value: unknown = Reflect.get(object, name, object)
      if (typeof value !== 'function') return value
      return (...args: unknown[]): unknown => {
        if (fails(String(name))) throw new Error('the store is down')
        return Reflect.apply(value, object, args)
      }
    },
  })
}

function faultyStore(store: Store, fault: () => Fault): SessionStore & { readonly counters: CounterStore } {
  const fails = (name: string) => fault() === 'all' || (fault() === 'writes' && writes.some((write) => write === name))
  const { changes } = store
  const always = () => fault() === 'all'
  const sessions = faulty(store, fails)
  return new Proxy(sessions, {
    get(object, name) {
      if (name === 'counters') return faulty(store.counters, always)
      if (name === 'changes')
        return changes === undefined ? undefined : faulty(changes, (method) => method === 'confirm' && always())
      return Reflect.get(object, name, object)
    },
  })
}

const text = (value: unknown) => (typeof value === 'string' ? value : '')

function routesOf(turnstile: Turnstile, changed: () => number): readonly AppRoute[] {
  const shown = (held: HoldfastRequest): Reply => ({
    json: {
      subject: held.subject,
      id: held.session?.id ?? null,
      anonymous: held.anonymous,
      verdict: held.verdict.status,
      ip: held.ip,
    },
  })
  return [
    { method: 'GET', path: '/public', run: shown },
    { method: 'GET', path: '/me', requires: {}, run: shown },
    { method: 'GET', path: '/cached', requires: {}, run: (held) => ({ ...shown(held), cache: 'private, max-age=60' }) },
    { method: 'GET', path: '/visitor', requires: { anonymous: true }, run: shown },
    { method: 'GET', path: '/now', requires: { fresh: true }, run: shown },
    { method: 'GET', path: '/recent', requires: { freshness: '5m' }, run: shown },
    { method: 'GET', path: '/assured', requires: { assurance: { amr: ['otp'] } }, run: shown },
    { method: 'GET', path: '/admin', requires: { attributes: { role: 'admin' } }, run: shown },
    { method: 'POST', path: '/change', requires: { anonymous: true }, run: () => ({ json: { changes: changed() } }) },
    { method: 'POST', path: '/open-change', run: () => ({ json: { changes: changed() } }) },
    {
      method: 'POST',
      path: '/login',
      async run(held, body) {
        const { session, token } = await held.signIn({
          subject: text(body.subject),
          remember: body.remember === true,
          ...(body.role === undefined ? {} : { attributes: { role: text(body.role) } }),
        })
        return { json: { id: session.id, token, subject: held.subject }, cookies: ['theme=dark; Path=/', 'lang=en; Path=/'] }
      },
    },
    {
      method: 'POST',
      path: '/token-login',
      async run(held, body) {
        const { session, accessToken, refreshToken } = await held.issueTokens({
          subject: text(body.subject),
          carrier: body.carrier === 'cookie' ? 'cookie' : 'body',
        })
        return { json: { id: session.id, subject: held.subject, accessToken, refreshToken } }
      },
    },
    {
      method: 'POST',
      path: '/elevate',
      requires: {},
      async run(held) {
        const { session, token } = await held.elevate({ amr: ['otp'] })
        return { json: { id: session.id, token } }
      },
    },
    {
      method: 'POST',
      path: '/password',
      requires: {},
      async run(held) {
        const { token, refreshToken } = await held.regenerate()
        return { json: { ...(shown(held).json as object), token, refreshToken } }
      },
    },
    {
      method: 'POST',
      path: '/visit',
      async run(held, body) {
        const { session, started } = await held.startAnonymous({
          carrier: body.carrier === 'cookie' ? 'cookie' : 'header',
          attributes: { basket: 'full' },
        })
        return { json: { id: session.id, started } }
      },
    },
    {
      method: 'POST',
      path: '/converse',
      async run(held, body) {
        const { outcome, session } = await held.visit({
          ...(body.session === undefined ? {} : { session: text(body.session) }),
          carrier: body.carrier === 'cookie' ? 'cookie' : 'header',
        })
        return { json: { outcome, id: session.id } }
      },
    },
    {
      method: 'POST',
      path: '/renew',
      requires: { anonymous: true },
      async run(held) {
        const { session } = await held.regenerate()
        return { json: { id: session.id } }
      },
    },
    {
      method: 'POST',
      path: '/leave',
      async run(held) {
        await held.signOut()
        return shown(held)
      },
    },
    {
      method: 'POST',
      path: '/slow',
      requires: {},
      async run(held, body) {
        await turnstile.pass()
        if (body.then === 'elevate') await held.elevate({ amr: ['otp'] })
        if (body.then === 'regenerate') await held.regenerate()
        return shown(held)
      },
    },
  ]
}

export const testSecret = 'Q7m2-Zp9x_Lr4v-Ns8k_Td6w-Hb3c_Yg5f'

export function createWorld(options: Partial<HoldfastOptions> = {}): World {
  const clock = fakeClock()
  const turnstile = new Turnstile()
  let fault: Fault = 'none'
  let changes = 0
  const holdfast = createHoldfast({
    secret: testSecret,
    store: faultyStore(memoryStore(), () => fault),
    clock,
    onFault: () => undefined,
    trustProxy: ['127.0.0.1'],
    origins: ['https://partner.example'],
    csrf: { originOnlyPaths: ['/login'] },
    ...options,
  })
  return {
    holdfast,
    clock,
    turnstile,
    routes: routesOf(turnstile, () => {
      changes += 1
      return changes
    }),
    changes: () => changes,
    failStore: (failing) => {
      fault = failing ? 'all' : 'none'
    },
    failWrites: (failing) => {
      fault = failing ? 'writes' : 'none'
    },
  }
}

/** A started server; what the suite knows of it. */
export interface Served {
  readonly url: string
  close(): Promise<void>
}

export const signIn = (browser: Browser, subject: string, more: object = {}): Promise<Answered> =>
  browser.post('/login', { subject, ...more })
