import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { createPasswordHasher } from '../../src/passwords/hash.ts'
import { cheap } from '../harness.ts'

describe('password hashing', () => {
  it('is Argon2id with 64 MiB, 3 passes, 4 lanes, a 32-byte salt and a 32-byte hash', async () => {
    const hasher = createPasswordHasher()
    const hash = await hasher.hash('tall giraffes read quietly')
    const [, kind, version, parameters, salt = '', digest = ''] = hash.split('$')
    assert.deepEqual([kind, version], ['argon2id', 'v=19'])
    assert.deepEqual(parameters?.split(',').sort(), ['m=65536', 'p=4', 't=3'])
    assert.equal(Buffer.from(salt, 'base64').length, 32)
    assert.equal(Buffer.from(digest, 'base64').length, 32)
    assert.equal(hasher.isOutdated(hash), false)
    assert.equal(await hasher.verify(hash, 'tall giraffes read quietly'), true)
    assert.equal(await hasher.verify(hash, 'tall giraffes read quickly'), false)
  })

  it('salts each hash anew', async () => {
    const hasher = createPasswordHasher({ cost: cheap })
    assert.notEqual(await hasher.hash('the same password'), await hasher.hash('the same password'))
  })

  it('takes a password typed composed or decomposed as the same, and compatibility forms as different', async () => {
    const hasher = createPasswordHasher({ cost: cheap })
    const hash = await hasher.hash('caf\u00e9 at the corner')
    assert.equal(await hasher.verify(hash, 'cafe\u0301 at the corner'), true)
    assert.equal(await hasher.verify(hash, 'cafe at the corner'), false)
    assert.equal(await hasher.verify(await hasher.hash('1 2 3 4 5'), '\uff11 2 3 4 5'), false)
  })

  it('says no for an unknown account, after the same work with the same parameters', async () => {
    const cost = { memory: 65_536, passes: 3, lanes: 4 }
    const hasher = createPasswordHasher({ cost, limits: { running: 1, waiting: 64 } })
    assert.equal(await hasher.verify(undefined, 'anything at all'), false)
    // Not a time measurement to trust by itself: a skipped computation would be a thousand times faster.
    const hash = await hasher.hash('tall giraffes read quietly')
    const spent = async (known: string | undefined) => {
      const start = process.cpuUsage()
      await hasher.verify(known, 'something wrong')
      return process.cpuUsage(start).user
    }
    const known = await spent(hash)
    const unknown = await spent(undefined)
    assert.ok(unknown > known / 4, `${unknown} against ${known} µs`)
  })

  it('knows a hash of other parameters, or of another kind, as outdated', async () => {
    const hasher = createPasswordHasher({ cost: cheap })
    for (const cost of [
      { ...cheap, memory: 32 },
      { ...cheap, passes: 2 },
    ]) {
      assert.equal(hasher.isOutdated(await createPasswordHasher({ cost }).hash('x')), true)
    }
    assert.equal(hasher.isOutdated('$2b$12$abcdefghijklmnopqrstuv'), true)
  })
})
