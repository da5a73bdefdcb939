/** What each test of an adapter starts with: the app under test on that adapter, served. */
import { afterEach, beforeEach, expect } from 'vitest'
import type { HoldfastOptions } from '../../src/index.ts'
import { createWorld, type Served, signIn, type World } from '../http/app.ts'
import { type Answered, Browser } from '../http/harness.ts'

export type Serve = (world: World) => Promise<Served>

export const overTls = { 'x-forwarded-proto': 'https', 'x-forwarded-for': '203.0.113.9' }
export const codeOf = (answered: Answered): unknown[] => [answered.status, answered.json().code]

export class AdapterSetup {
  readonly #serve: Serve
  #running: { readonly world: World; readonly served: Served } | undefined

  constructor(serve: Serve) {
    this.#serve = serve
  }

  async start(options: Partial<HoldfastOptions> = {}): Promise<void> {
    const world = createWorld(options)
    this.#running = { world, served: await this.#serve(world) }
  }

  async stop(): Promise<void> {
    this.world.turnstile.open()
    await this.served.close()
    this.world.failStore(false)
    await this.world.holdfast.close()
  }

  async restart(options: Partial<HoldfastOptions>): Promise<void> {
    await this.stop()
    await this.start(options)
  }

  get world(): World {
    if (this.#running === undefined) throw new Error('the app is not started')
    return this.#running.world
  }

  get served(): Served {
    if (this.#running === undefined) throw new Error('the app is not started')
    return this.#running.served
  }

  async signedIn(subject = 'alice', more: object = {}): Promise<Browser> {
    const browser = new Browser(this.served.url)
    expect((await signIn(browser, subject, more)).status).toBe(200)
    return browser
  }

  async visitor(carrier: 'cookie' | 'header'): Promise<{ browser: Browser; token: string; id: string }> {
    const browser = new Browser(this.served.url)
    const answered = await browser.post('/visit', { carrier })
    const token = carrier === 'cookie' ? browser.sessionCookie?.[1] : answered.headers['x-anon-session-token']
    return { browser, token: String(token), id: String(answered.json().id) }
  }
}

export function setUpAdapter(serve: Serve): AdapterSetup {
  const setup = new AdapterSetup(serve)
  beforeEach(() => setup.start())
  afterEach(() => setup.stop())
  return setup
}
