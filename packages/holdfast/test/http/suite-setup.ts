/** What the common suite knows of its target, and what each of its tests starts with. */
import { afterEach, beforeEach, expect } from 'vitest'
import { type Answered, type Asked, Browser, send } from './harness.ts'

export interface Target {
  readonly url: string
  /** Where the library's routes are mounted. */
  readonly basePath: string
  /** Path of a GET route that needs a signed-in session and answers 200 with one. */
  readonly guarded: string
  /** Signs a subject in through the target's own route. */
  signIn(browser: Browser, subject: string): Promise<Answered>
  /** An unsafe request that needs a signed-in session and changes something harmless; 2xx when it is let through. */
  readonly change: Asked
  /** How often something was changed. */
  changes(): number
  /** Makes every call of the store throw. */
  failStore(failing: boolean): void
  /** Makes only writes throw. */
  failWrites(failing: boolean): void
  /** Moves the target's clock. */
  advance(ms: number): void
  close(): Promise<void>
}

export interface Expected {
  readonly status: number
  readonly code: string
}

/** A problem document of this status and code, with the headers that every one has. */
export function expectProblem(answered: Answered, { status, code }: Expected): void {
  expect({ status: answered.status, code: answered.json().code }).toEqual({ status, code })
  expect(answered.headers['content-type']).toContain('application/problem+json')
  expect(answered.headers['cache-control']).toBe('no-store')
  expect(answered.headers['x-content-type-options']).toBe('nosniff')
  expect(answered.json()).toMatchObject({ type: 'about:blank', status, title: expect.any(String) })
}

export const required: Expected = { status: 401, code: 'session-required' }
export const revoked: Expected = { status: 401, code: 'session-revoked' }
export const forged: Expected = { status: 403, code: 'csrf-failed' }
export const unavailable: Expected = { status: 503, code: 'store-unavailable' }

/** A running target and a browser that nobody signed in with, fresh for each test. */
export class Setup {
  #target: Target | undefined
  #browser: Browser | undefined

  async start(start: () => Promise<Target>): Promise<void> {
    this.#target = await start()
    this.#browser = new Browser(this.#target.url)
  }

  get target(): Target {
    if (this.#target === undefined) throw new Error('the target is not started')
    return this.#target
  }

  get browser(): Browser {
    if (this.#browser === undefined) throw new Error('the target is not started')
    return this.#browser
  }

  async signedIn(subject = 'alice'): Promise<Browser> {
    const one = new Browser(this.target.url)
    expect((await this.target.signIn(one, subject)).status).toBeLessThan(300)
    return one
  }

  tokenOf(one: Browser): string {
    return one.sessionCookie?.[1] ?? ''
  }

  cookieName(one: Browser): string {
    return one.sessionCookie?.[0] ?? ''
  }

  route(path: string): string {
    return this.target.basePath + path
  }

  /** Asks for the guarded page with this cookie header and nothing else. */
  present(cookie: string, headers: Asked['headers'] = {}): Promise<Answered> {
    return send(this.target.url, { path: this.target.guarded, headers: { cookie, ...headers } })
  }
}

export function setUp(start: () => Promise<Target>): Setup {
  const setup = new Setup()
  beforeEach(() => setup.start(start))
  afterEach(() => setup.target.close())
  return setup
}
