/** What a refused sign-in costs is what its time tells: the same calls, in the same order, whoever has the name. */
import assert from 'node:assert/strict'
import { memoryStore } from 'holdfast/store/memory'
import { it } from 'vitest'
import type { PasswordHasher } from '../../src/passwords/hash.ts'
import { goodPassword, movableClock, otherPassword, testServer } from '../harness.ts'

/** Notes every call of what it wraps, and of the parts that it is made of. */
function watched<T extends object>(target: T, name: string, calls: string[]): T {
  return new Proxy(target, {
    get(object, member) {
      const value: unknown = Reflect.get(object, member, object)
      if (member === 'counters') return watched(value as object, 'counters', calls)
      if (typeof value !== 'function' || typeof member === 'symbol') return value
      return (...args: unknown[]): unknown => {
        calls.push(`${name}.${member}`)
        return Reflect.apply(value, object, args)
      }
    },
  })
}

/** Costs nothing, and has no hash of its own to compare with where there is no account. */
const hasher: PasswordHasher = {
  hash: async (password) => `of ${password}`,
  verify: async (hash, password) => hash === `of ${password}`,
  isOutdated: () => false,
  load: () => ({ running: 0, waiting: 0, refused: 0 }),
}

it('an account that exists, is disabled or is locked, and a name that nobody has, cost the same calls at every attempt', async () => {
  const calls: string[] = []
  const overrides = {
    clock: movableClock(),
    store: watched(memoryStore(), 'store', calls),
    passwords: watched(hasher, 'hasher', calls),
  }
  await using server = await testServer({ overrides })
  await server.user('alice')
  const admin = await server.administrator()
  const { json } = await admin.post('/admin/users', { username: 'gone', password: goodPassword })
  await admin.patch(`/admin/users/${json.user.id}`, { disabled: true })
  Object.assign(server.services, { accounts: watched(server.services.accounts, 'accounts', calls) })

  /** Calls of each of twelve attempts, of which ten are looked at and two come too late. */
  const attempts = async (username: string, password: string) => {
    const seen: (readonly string[])[] = []
    for (let count = 0; count < 12; count += 1) {
      calls.length = 0
      const { status } = await server.client().post('/auth/login', { username, password })
      assert.equal(status, count < 10 ? 401 : 429)
      seen.push([...calls])
    }
    return seen
  }
  const unknown = await attempts('nobody', goodPassword)
  for (const of of unknown) assert.equal(of.filter((call) => call === 'hasher.verify').length, 1)
  assert.deepEqual(await attempts('alice', otherPassword), unknown)
  assert.deepEqual(await attempts('gone', goodPassword), unknown)
})
