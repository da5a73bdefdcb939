/** Three server processes on one Redis behind a balancer, restarted one after another with other secrets, under load. */
import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, it } from 'vitest'
import { type RedisServer, startRedis } from '../../../../test/services/redis.ts'
import { type Answer, assertProblem, type CallOptions, Client } from '../client.ts'
import { goodPassword, setupToken, temporaryFolder, testSecret } from '../harness.ts'
import { type ServerProcess, serverProcess } from '../process.ts'

const nextSecret = 'p8Wd4LmZ-t1Xc6Kq_v0Rb3nYs7Hf9GjUeAaOoIiTyE2'
const account = { username: 'root', password: goodPassword }

let redis: RedisServer
let folder = ''
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.stop())
beforeEach(async () => {
  folder = await temporaryFolder()
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** Sends each request to the next server in rotation. */
class Balancer {
  readonly servers: (ServerProcess | undefined)[] = []
  #turn = 0

  get address(): string {
    for (;;) {
      this.#turn += 1
      const server = this.servers[this.#turn % this.servers.length]
      if (server !== undefined) return server.address
    }
  }

  /** Each in turn: out of rotation, stopped with requests under way, started anew, back in rotation. */
  async restartAll(start: () => Promise<ServerProcess>, between: () => Promise<void>): Promise<void> {
    for (const [at, server] of this.servers.entries()) {
      this.servers[at] = undefined
      assert.equal(await server?.end('SIGTERM'), 0)
      this.servers[at] = await start()
      await between()
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.servers.map((server) => server?.[Symbol.asyncDispose]()))
  }
}

/** One jar of cookies, whichever server answers. */
class Browser {
  readonly #balancer: Balancer
  #cookies: ReadonlyMap<string, string> = new Map()

  constructor(balancer: Balancer) {
    this.#balancer = balancer
  }

  async call(method: string, path: string, options?: CallOptions): Promise<Answer> {
    const client = new Client(this.#balancer.address, this.#cookies)
    const answer = await client.call(method, path, options)
    // A check sets none, and must not put back those of a moment before.
    if (answer.setCookies.length > 0) this.#cookies = client.cookies
    return answer
  }

  /** Throws what the server said, unless the request passed. */
  async pass(method: string, path: string, body?: unknown): Promise<void> {
    const { status, text } = await this.call(method, path, { body })
    assert.ok(status === 200 || status === 204, `${method} ${path}: ${status} ${text}`)
  }
}

interface Load {
  readonly checks: number
  /** Resolves when every request under way is answered; throws for the first that was refused. */
  stop(): Promise<void>
}

/** Checks of each browser's session, one after another without a pause; every one of them must pass. */
function start(browsers: readonly Browser[]): Load {
  let checks = 0
  let isOver = false
  const checking = Promise.all(
    browsers.map(async (browser) => {
      for (; !isOver; checks += 1) await browser.pass('GET', '/auth/session')
    }),
  )
  // Seen where it is waited for.
  checking.catch(() => {})
  return {
    get checks() {
      return checks
    },
    async stop() {
      isOver = true
      await checking
    },
  }
}

describe('a rolling restart with a change of the secret', () => {
  it('refuses no request that should pass, in any of its three rounds', async () => {
    const startWith = (...secrets: string[]) =>
      serverProcess(folder, { HOLDFAST_STORE: redis.url, HOLDFAST_SECRET: secrets.join(','), HOLDFAST_DRAIN: '1' })
    const balancer = new Balancer()
    const signedIn = async (): Promise<Browser> => {
      const browser = new Browser(balancer)
      await browser.pass('POST', '/auth/login', account)
      return browser
    }
    /** Whichever server each request comes to: a sign-in, a step-up, which replaces the secret, and a sign-out. */
    const visit = async (): Promise<void> => {
      const visitor = await signedIn()
      await visitor.pass('POST', '/auth/reauthenticate', { password: goodPassword })
      await visitor.pass('GET', '/auth/sessions')
      await visitor.pass('POST', '/auth/logout')
      assert.equal((await visitor.call('GET', '/auth/session')).status, 401)
    }
    try {
      for (let count = 0; count < 3; count += 1) balancer.servers.push(await startWith(testSecret))
      await new Browser(balancer).call('POST', '/auth/setup', { body: { token: setupToken, ...account } })
      const [early, another] = [await signedIn(), await signedIn()]
      const load = start([early, another])
      await balancer.restartAll(() => startWith(testSecret, nextSecret), visit)
      await balancer.restartAll(() => startWith(nextSecret, testSecret), visit)
      await load.stop()
      assert.ok(load.checks > 100)
      // Its secret is replaced by one under the new key, and so outlives the old one.
      await another.pass('POST', '/auth/reauthenticate', { password: goodPassword })
      const later = start([another, await signedIn()])
      await balancer.restartAll(() => startWith(nextSecret), visit)
      await later.stop()
      assert.ok(later.checks > 100)
      assertProblem(await early.call('GET', '/auth/session'), 401, 'session-required')
    } finally {
      await balancer.stop()
    }
  })

  it('refuses what a server signed with a secret that the others have not heard of: so the new one is listed second first', async () => {
    const store = { HOLDFAST_STORE: `${redis.url}?prefix=hasty:` }
    await using hasty = await serverProcess(folder, { ...store, HOLDFAST_SECRET: `${nextSecret},${testSecret}` })
    await using other = await serverProcess(folder, { ...store, HOLDFAST_SECRET: testSecret })
    const client = hasty.client()
    await client.post('/auth/setup', { token: setupToken, ...account })
    await client.signIn(account.username, account.password)
    assertProblem(await other.client(client.cookies).get('/auth/session'), 401, 'session-required')
  })
})
