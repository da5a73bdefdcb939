import { describe, expect, test } from 'vitest'
import { createDevices } from '../../src/defence/devices.ts'
import { type AllowedAttempt, type Attempt, Lockout } from '../../src/defence/lockout.ts'
import { RandomPool } from '../../src/engine/crypto.ts'
import { createKeyring } from '../../src/engine/keyring.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { fakeClock } from '../../src/testing/clock.ts'
import { faultyStore } from '../../src/testing/faulty.ts'
import { seededRandom } from '../../src/testing/random.ts'
import { settle } from '../engine/support/start.ts'

const minute = 60_000
const rule = { failures: 10, windowMs: 15 * minute, lockMs: 15 * minute, ceiling: 100 }
const secret = 'Zq81kf02Lm77xWv3Rt6Yp9Ns4Bd5Hg0c'

function world() {
  const clock = fakeClock()
  const store = faultyStore(memoryStore())
  const keyring = createKeyring([secret])
  // As a process makes it when it starts; the store outlives it.
  const start = () => {
    const devices = createDevices(keyring, new RandomPool(seededRandom(7)))
    return new Lockout({ counters: store.counters, clock, keyring, devices, rule })
  }
  return { clock, store, lockout: start(), restart: start }
}

const alice = { name: 'alice', subject: 'id-alice', ip: '203.0.113.1' }
const nobody = { name: 'nobody', subject: null, ip: '203.0.113.1' }

function allowed(attempt: Attempt): AllowedAttempt {
  if (!attempt.allowed) throw attempt.error
  return attempt
}

async function fail(lockout: Lockout, input: Parameters<Lockout['attempt']>[0], times = 1): Promise<void> {
  for (let count = 0; count < times; count += 1) await allowed(await lockout.attempt(input)).failed()
}

async function signIn(lockout: Lockout, input: Parameters<Lockout['attempt']>[0]): Promise<string> {
  return allowed(await lockout.attempt(input)).succeeded()
}

async function wait(lockout: Lockout, input: Parameters<Lockout['attempt']>[0]): Promise<number | 'allowed'> {
  const attempt = await lockout.attempt(input)
  if (attempt.allowed) attempt.abandon()
  return attempt.allowed ? 'allowed' : (attempt.error.retryAfter ?? Number.NaN)
}

/** How many of so many wrong passwords are looked at, when looking takes until everyone else has gone as far as they can. */
async function triesOf(attempts: number, begin: (at: number) => Promise<Attempt>): Promise<number> {
  let tries = 0
  const each = Array.from({ length: attempts }, async (_, at) => {
    const attempt = await begin(at)
    if (!attempt.allowed) return
    tries += 1
    await settle()
    await attempt.failed()
  })
  await Promise.all(each)
  return tries
}

describe('lockout of one source', () => {
  test.each([
    ['an account', alice],
    ['a name nobody has', nobody],
  ])('locks %s after ten failures, for 15 minutes', async (_, who) => {
    const { lockout, clock } = world()
    await fail(lockout, who, 9)
    expect(await allowed(await lockout.attempt(who)).failed()).toBe('source')
    expect(await wait(lockout, who)).toBe(900)
    clock.advance(14 * minute)
    expect(await wait(lockout, who)).toBe(60)
    clock.advance(minute)
    await fail(lockout, who, 10)
    expect(await wait(lockout, who)).toBe(900)
  })

  test('leaves other sources and other names alone', async () => {
    const { lockout } = world()
    await fail(lockout, alice, 10)
    expect(await wait(lockout, { ...alice, ip: '203.0.113.2' })).toBe('allowed')
    expect(await wait(lockout, { ...alice, name: 'bob', subject: 'id-bob' })).toBe('allowed')
  })

  test('is neither made longer nor counted by attempts on what is locked', async () => {
    const { lockout, clock, store } = world()
    await fail(lockout, alice, 10)
    const runs = () => store.counters.list('lockout:run:', clock.now(), 10)
    const before = await runs()
    for (let count = 0; count < 200; count += 1) expect(await wait(lockout, alice)).toBe(900)
    expect(await runs()).toEqual(before)
    clock.advance(15 * minute)
    expect(await wait(lockout, alice)).toBe('allowed')
  })

  test.each([
    ['case', 'ALICE'],
    ['width', 'ａｌｉｃｅ'],
    ['case and width', 'ＡＬice'],
  ])('counts a variant by %s as the same name', async (_, name) => {
    const { lockout } = world()
    await fail(lockout, alice, 5)
    await fail(lockout, { ...alice, name }, 5)
    expect(await wait(lockout, alice)).toBe(900)
    expect(await wait(lockout, { ...alice, name })).toBe(900)
  })

  test('counts a rotated /64 as one source', async () => {
    const { lockout } = world()
    for (let host = 1; host <= 10; host += 1) await fail(lockout, { ...alice, ip: `2001:db8:1:2::${host}` })
    expect(await wait(lockout, { ...alice, ip: '2001:db8:1:2:ffff::1' })).toBe(900)
  })

  test('gives 64 wrong attempts at once, on four nodes, no more tries than the budget', async () => {
    const { lockout, restart } = world()
    const nodes = [lockout, restart(), restart(), restart()]
    expect(await triesOf(64, (at) => (nodes[at % nodes.length] ?? lockout).attempt(alice))).toBe(10)
  })

  test('lets 64 right attempts at once pass: they wait for each other', async () => {
    const { lockout } = world()
    const owner = async () => {
      const attempt = allowed(await lockout.attempt(alice))
      await settle()
      return attempt.succeeded()
    }
    await expect(Promise.all(Array.from({ length: 64 }, owner))).resolves.toHaveLength(64)
  })

  test('outlives a restart', async () => {
    const { lockout, restart } = world()
    await fail(lockout, alice, 10)
    expect(await wait(restart(), alice)).toBe(900)
  })

  test('a success ends the failures of its own source and no lock of another', async () => {
    const { lockout } = world()
    const other = { ...alice, ip: '198.51.100.1' }
    await fail(lockout, other, 10)
    await fail(lockout, alice, 9)
    await signIn(lockout, alice)
    await fail(lockout, alice, 9)
    expect(await wait(lockout, alice)).toBe('allowed')
    expect(await wait(lockout, other)).toBe(900)
  })
})

describe('the ceiling of an account', () => {
  test('holds among attempts at once from as many sources', async () => {
    const { lockout } = world()
    for (let failures = 0; failures < 99; failures += 1) await fail(lockout, { ...alice, ip: `198.51.100.${failures}` })
    expect(await triesOf(20, (at) => lockout.attempt({ ...alice, ip: `192.0.2.${at}` }))).toBe(1)
  })
})

describe('known devices', () => {
  test('get in while every source is locked and the ceiling is reached, and end the run', async () => {
    const { lockout } = world()
    const device = await signIn(lockout, alice)
    for (let host = 1; host <= 10; host += 1) await fail(lockout, { ...alice, ip: `198.51.100.${host}` }, 10)
    expect(await wait(lockout, { ...alice, ip: '192.0.2.9' })).toBeGreaterThan(900)
    await fail(lockout, { ...alice, device }, 1)
    const owner = allowed(await lockout.attempt({ ...alice, device }))
    expect(owner.knownDevice).toBe(true)
    await owner.succeeded()
    expect(await wait(lockout, { ...alice, ip: '192.0.2.9' })).toBe('allowed')
  })

  test('have a budget too, and are strangers after a ceiling of failures', async () => {
    const { lockout, clock } = world()
    const device = await signIn(lockout, alice)
    for (let round = 0; round < 10; round += 1) {
      await fail(lockout, { ...alice, device }, 10)
      if (round === 0) expect(await wait(lockout, { ...alice, device })).toBe(900)
      clock.advance(15 * minute)
    }
    const attempt = allowed(await lockout.attempt({ ...alice, device }))
    expect(attempt.knownDevice).toBe(false)
  })

  test('are known to their own account only, and no forgery is one', async () => {
    const { lockout } = world()
    const device = await signIn(lockout, alice)
    const isKnown = async (input: Parameters<Lockout['attempt']>[0]) => {
      const attempt = allowed(await lockout.attempt(input))
      attempt.abandon()
      return attempt.knownDevice
    }
    expect(await isKnown({ ...alice, device })).toBe(true)
    expect(await isKnown({ ...alice, subject: 'id-bob', device })).toBe(false)
    expect(await isKnown({ ...nobody, device })).toBe(false)
    for (let at = 0; at < device.length; at += 1) {
      const forged = `${device.slice(0, at)}${device[at] === 'A' ? 'B' : 'A'}${device.slice(at + 1)}`
      expect(await isKnown({ ...alice, ip: `192.0.2.${at}`, device: forged })).toBe(false)
    }
  })

  test('share a browser: the proofs of four accounts are kept', async () => {
    const { lockout } = world()
    let device: string | undefined
    const people = ['a', 'b', 'c', 'd', 'e'].map((name) => ({ name, subject: `id-${name}`, ip: alice.ip }))
    for (const person of people) device = await signIn(lockout, { ...person, device })
    const known = people.map((person) => lockout.deviceOf({ ...person, device }) !== undefined)
    expect(known).toEqual([false, true, true, true, true])
  })

  test('are forgotten after 400 days, and a proof of the future is none', async () => {
    const { lockout, clock } = world()
    const device = await signIn(lockout, alice)
    clock.jumpTo(clock.now() - 3_600_000)
    expect(lockout.deviceOf({ ...alice, device })).toBeUndefined()
    clock.jumpTo(clock.now() + 3_600_000)
    expect(lockout.deviceOf({ ...alice, device })).toBeDefined()
    clock.advance(400 * 24 * 3_600_000)
    expect(lockout.deviceOf({ ...alice, device })).toBeUndefined()
  })
})

describe('an administrator', () => {
  test('sees the locks of accounts and of names nobody has, without the names, and lifts one', async () => {
    const { lockout, store, clock } = world()
    await fail(lockout, alice, 10)
    await fail(lockout, { ...nobody, name: 'my-password-typed-here' }, 10)
    const locks = await lockout.list(10)
    expect(locks.map(({ kind, source, subject }) => ({ kind, source, subject }))).toEqual(
      expect.arrayContaining([
        { kind: 'source', source: '203.0.113.1', subject: 'id-alice' },
        { kind: 'source', source: '203.0.113.1', subject: null },
      ]),
    )
    expect(JSON.stringify(await store.counters.list('', clock.now(), 100))).not.toContain('my-password')
    const [lock] = locks.filter(({ subject }) => subject === 'id-alice')
    expect(await lockout.lift(lock?.id ?? '')).toMatchObject({ kind: 'source', subject: 'id-alice' })
    expect(await lockout.lift(lock?.id ?? '')).toBeUndefined()
    expect(await lockout.lift('nonsense')).toBeUndefined()
    await fail(lockout, alice, 9)
    expect(await wait(lockout, alice)).toBe('allowed')
  })

  test('lifts the lock of an account that reached its ceiling', async () => {
    const { lockout } = world()
    for (let host = 1; host <= 10; host += 1) await fail(lockout, { ...alice, ip: `198.51.100.${host}` }, 10)
    const [lock] = (await lockout.list(100)).filter(({ kind }) => kind === 'account')
    expect(lock).toMatchObject({ subject: 'id-alice', source: null })
    await lockout.lift(lock?.id ?? '')
    expect(await wait(lockout, alice)).toBe('allowed')
  })
})

describe.each(['fail-before', 'fail-after'] as const)('with a fault at the n-th call of the store: %s', (mode) => {
  test.each(Array.from({ length: 30 }, (_, at) => at + 1))(
    'nobody gets more tries, and nothing is left locked: n = %i',
    async (nth) => {
      const { lockout, store, clock } = world()
      const device = await signIn(lockout, { ...alice, ip: '192.0.2.1' })
      store.plan({ mode, nth })
      let hashed = 0
      for (let count = 0; count < 30; count += 1) {
        try {
          const attempt = await lockout.attempt(alice)
          if (!attempt.allowed) continue
          hashed += 1
          await attempt.failed()
        } catch (fault) {
          expect(fault).toMatchObject({ code: 'store-unavailable' })
        }
      }
      expect(hashed).toBeLessThanOrEqual(10)
      store.heal()
      await expect(signIn(lockout, { ...alice, device })).resolves.toBeDefined()
      clock.advance(30 * minute)
      await expect(signIn(lockout, alice)).resolves.toBeDefined()
    },
  )
})
