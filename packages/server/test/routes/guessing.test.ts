import assert from 'node:assert/strict'
import { memoryStore } from 'holdfast/store/memory'
import { describe, it } from 'vitest'
import type { PasswordHasher } from '../../src/passwords/hash.ts'
import { movableClock, type TestServer, testServer } from '../harness.ts'

const attempts = 10_000
/** So that all of them take about an hour. */
const pace = 360
const minute = 60_000
const origin = 'https://auth.example.test'
const proxy = '10.0.0.1'

const owners = ['alice', 'bob', 'strasse']
const spellings: Readonly<Record<string, readonly string[]>> = {
  alice: ['alice', 'ALICE', 'Alice', 'ａｌｉｃｅ', 'ＡＬice'],
  bob: ['bob', 'BOB', 'ｂｏｂ', 'ⓑⓞⓑ'],
  strasse: ['strasse', 'STRASSE', 'straße', 'STRAẞE', 'ﬆrasse', 'ſtraſſe'],
  nobody: ['nobody', 'NOBODY', 'ｎｏｂｏｄｙ'],
  ghost: ['ghost', 'Ghost', 'ｇʰost'],
}
const names = Object.keys(spellings)

/** What one attempt did: whether it came so far that its password was compared with the account's. */
interface Look {
  readonly at: number
  readonly name: string
  readonly source: string
}

/** A hasher that computes nothing, and tells whether there was a hash to compare with. */
function watchingHasher(looked: (has: boolean) => void): PasswordHasher {
  return {
    hash: async (password) => `of ${password}`,
    verify: async (hash, password) => {
      looked(hash !== undefined)
      return hash === `of ${password}`
    },
    isOutdated: () => false,
    load: () => ({ running: 0, waiting: 0, refused: 0 }),
  }
}

/** Every third guess is at the first name, the others go round. */
function target(at: number): { readonly name: string; readonly spelling: string } {
  const name = names[at % 3 === 0 ? 0 : Math.floor(at / 3) % names.length] ?? ''
  const written = spellings[name] ?? []
  return { name, spelling: written[at % written.length] ?? '' }
}

const sources = 24

/** Sixteen hosts and eight networks of IPv6, in which no address comes twice; each is one source. */
function attacker(at: number): { readonly source: string; readonly address: string } {
  const place = (at * 7) % sources
  if (place < 16) return { source: `v4-${place}`, address: `198.51.100.${place}` }
  return { source: `v6-${place}`, address: `2001:db8:0:${place.toString(16)}:${at.toString(16)}::1` }
}

/** What it writes itself into the headers that name a client, in every second attempt; the proxy appends the truth. */
function forwardedFor(at: number, address: string): string {
  return at % 2 === 0 ? address : `203.0.113.${at % 256}, 2001:db8:ffff:${(at % 65_536).toString(16)}::1, ${address}`
}

type Cookies = Map<string, string>

async function signIn(server: TestServer, username: string, password: string, forwarded: string, jar?: Cookies): Promise<number> {
  const answer = await server.app.inject({
    method: 'POST',
    url: '/auth/login',
    remoteAddress: proxy,
    headers: {
      host: 'auth.example.test',
      origin,
      'x-forwarded-proto': 'https',
      'x-forwarded-for': forwarded,
      ...(jar === undefined ? {} : { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') }),
    },
    payload: { username, password },
  })
  for (const { name, value } of answer.cookies) if (/device/.test(name)) jar?.set(name, value)
  return answer.statusCode
}

async function register(server: TestServer): Promise<void> {
  const { accounts } = server.services
  for (const username of owners) {
    await accounts.create(
      {
        id: `id-${username}`,
        username,
        email: null,
        role: 'user',
        disabled: false,
        createdAt: server.services.now(),
        passwordHash: `of the password of ${username}`,
        passwordChangedAt: server.services.now(),
        version: 0,
      },
      { asFirstAdministrator: false },
    )
  }
}

/** The most looks of one group that fall within any stretch of so many milliseconds. */
function mostWithin(looks: readonly Look[], windowMs: number): number {
  let most = 0
  let from = 0
  for (let to = 0; to < looks.length; to += 1) {
    while ((looks[to]?.at ?? 0) - (looks[from]?.at ?? 0) >= windowMs) from += 1
    most = Math.max(most, to - from + 1)
  }
  return most
}

interface Scene {
  readonly server: TestServer
  readonly clock: ReturnType<typeof movableClock>
  /** Whether the latest sign-in had its password compared with an account's. */
  wasLooked(): boolean
}

/** Every guess in turn; the owners sign in meanwhile, and always get in. */
async function guessAll({ server, clock, wasLooked }: Scene): Promise<{ looks: Look[]; mostInRow: number }> {
  const jars = new Map(owners.map((owner) => [owner, new Map<string, string>()] as const))
  const ownersSignIn = async () => {
    for (const [owner, jar] of jars) {
      assert.equal(await signIn(server, owner, `the password of ${owner}`, '198.51.100.3', jar), 200, owner)
    }
  }
  await ownersSignIn()
  const looks: Look[] = []
  const sinceOwner = new Map<string, number>()
  let mostInRow = 0
  for (let at = 0; at < attempts; at += 1) {
    clock.advance(pace)
    const { name, spelling } = target(at)
    const { source, address } = attacker(at)
    const status = await signIn(server, spelling, `guess ${at}`, forwardedFor(at, address))
    assert.ok(status === 401 || status === 429, `${status}`)
    if (wasLooked()) {
      looks.push({ at: clock.now(), name, source })
      sinceOwner.set(name, (sinceOwner.get(name) ?? 0) + 1)
      mostInRow = Math.max(mostInRow, ...sinceOwner.values())
    }
    if (at % 1000 !== 999) continue
    await ownersSignIn()
    sinceOwner.clear()
  }
  return { looks, mostInRow }
}

describe('ten thousand guesses', () => {
  it('from everywhere, under every spelling, get few looks at a password, and never keep its owner out', async () => {
    const clock = movableClock()
    const store = memoryStore()
    let looked = false
    const passwords = watchingHasher((has) => {
      looked = has
    })
    const config = { url: new URL(origin), trustedProxies: [proxy], log: { format: 'json', level: 'silent' } as const }
    await using server = await testServer({ config, overrides: { clock, store, passwords } })
    await register(server)
    const { looks, mostInRow } = await guessAll({ server, clock, wasLooked: () => looked })

    // The ceiling of an account: so many in a row, from wherever.
    assert.equal(mostInRow, 100)
    // The budget of one source; four parts of its window of five are the stretch that never holds more.
    const groups = [...Map.groupBy(looks, ({ name, source }) => `${name} ${source}`)]
    const budgets = groups.map(([, of]) => mostWithin(of, 12 * minute))
    assert.equal(Math.max(...budgets), 10)
    // Every source and name has a counter for each part of a window and a lock, every account a run and a lock.
    const counters = await store.counters.list('', clock.now(), 1_000_000)
    assert.ok(counters.length <= sources * names.length * 6 + names.length * 2 + sources + owners.length * 8)
  })
})
