import { expect, test } from 'vitest'
import { createDevices } from '../../src/defence/devices.ts'
import { Lockout } from '../../src/defence/lockout.ts'
import { RandomPool } from '../../src/engine/crypto.ts'
import { createKeyring } from '../../src/engine/keyring.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { fakeClock } from '../../src/testing/clock.ts'
import { seededRandom } from '../../src/testing/random.ts'

const minute = 60_000
const rule = { failures: 10, windowMs: 15 * minute, lockMs: 15 * minute, ceiling: 100 }
const maxCounters = 500

function start() {
  const clock = fakeClock()
  const { counters } = memoryStore({ maxCounters })
  const keyring = createKeyring(['Zq81kf02Lm77xWv3Rt6Yp9Ns4Bd5Hg0c'])
  const devices = createDevices(keyring, new RandomPool(seededRandom(7)))
  return { clock, counters, lockout: new Lockout({ counters, clock, keyring, devices, rule }) }
}

type World = ReturnType<typeof start>
type Input = Parameters<Lockout['attempt']>[0]

/** Whether the password is looked at; when it is, it is wrong. */
async function guess({ lockout }: World, input: Input): Promise<boolean> {
  const attempt = await lockout.attempt(input)
  if (attempt.allowed) await attempt.failed()
  return attempt.allowed
}

test.each([1, 2, 9])(
  'a store full of names that nobody has, %i guesses each, gives nobody new guesses and lets owners in',
  async (each) => {
    const world = start()
    const { lockout, clock, counters } = world
    const alice = { name: 'alice', subject: 'id-alice', ip: '203.0.113.1' }
    const first = await lockout.attempt(alice)
    const device = first.allowed ? await first.succeeded() : undefined
    for (let count = 0; count < rule.failures; count += 1) expect(await guess(world, alice)).toBe(true)
    for (let at = 0; at < 2000; at += 1) {
      const stranger = { name: `nobody-${at}`, subject: null, ip: `2001:db8:0:${at.toString(16)}::1` }
      for (let count = 0; count < each; count += 1) await guess(world, stranger)
    }
    expect(await guess(world, alice)).toBe(false)
    expect(await counters.list('', clock.now(), maxCounters * 2)).toHaveLength(maxCounters)
    const owner = await lockout.attempt({ ...alice, device })
    expect(owner).toMatchObject({ allowed: true, knownDevice: true })
  },
)
