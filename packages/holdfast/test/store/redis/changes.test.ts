import { afterAll, beforeAll, expect, it } from 'vitest'
import { type RedisServer, startRedis } from '../../../../../test/services/redis.ts'
import { startTcpProxy } from '../../../../../test/services/tcp-proxy.ts'
import type { RedisConnection } from '../../../src/store/redis.ts'
import { minute, sample, sampleId, start } from '../../../src/testing/contract/check.ts'
import { type Connected, connectSingle } from './clients.ts'
import { openNode, until, whole } from './nodes.ts'

const logout = { at: start + minute, reason: 'logout' } as const

let server: RedisServer
beforeAll(async () => {
  server = await startRedis()
})
afterAll(() => server.stop())

let prefixes = 0
const fresh = () => {
  prefixes += 1
  return { prefix: `c${prefixes}:` }
}

it('tells another node of a revocation before it confirms anything later', async () => {
  const options = fresh()
  const [one, two] = await Promise.all([
    openNode(connectSingle(server.url), options),
    openNode(connectSingle(server.url), options),
  ])
  await whole(two.feed)
  for (let number = 0; number < 200; number += 1) {
    await one.store.insert(sample(number, { subject: `s${number}` }))
    await two.store.get(sampleId(number, `s${number}`))
    two.told.length = 0
    await one.store.revoke({ id: sampleId(number, `s${number}`) }, logout)
    const acknowledgedAt = Date.now()
    // Vouches for all up to an instant after the acknowledgement: then it must have been told.
    await until('a later question is answered', () => two.feed.confirm(Date.now() + 1, Date.now() - acknowledgedAt))
    expect(two.heard(sampleId(number, `s${number}`))).toBe(true)
  }
})

it('tells of a change that arrives before the answer to a read that came before it', async () => {
  const options = fresh()
  const { store } = await openNode(connectSingle(server.url), options)
  await store.insert(sample(1))
  let answer: () => void = () => {}
  const held = new Promise<void>((resolve) => {
    answer = resolve
  })
  const two = await openNode(connectHolding(held), options)
  await whole(two.feed)
  const reading = Promise.resolve(two.store.get(sampleId(1)))
  await until('the read is on its way', async () => (await server.cli('info', 'commandstats')).includes('cmdstat_mget'))
  two.told.length = 0
  await store.revoke({ id: sampleId(1) }, logout)
  await until('the note is there', () => two.heard(sampleId(1)))
  answer()
  expect((await reading)?.revokedAt).toBe(null)
})

/** A client whose answers to reads are held up on their way. */
async function connectHolding(held: Promise<void>): Promise<Connected> {
  const { client, close } = await connectSingle(server.url)
  if (!('duplicate' in client) || client.duplicate === undefined) throw new Error('a client of one server can be duplicated')
  const slow: RedisConnection = {
    isReady: true,
    duplicate: client.duplicate.bind(client),
    options: client.options,
    async sendCommand(args, options) {
      const answer = await client.sendCommand([...args], options)
      if (args[0] === 'MGET') await held
      return answer
    },
  }
  return { client: slow, close }
}

it('does not tell of touches, nor of sessions that this node never handed out', async () => {
  const options = fresh()
  const [one, two] = await Promise.all([
    openNode(connectSingle(server.url), options),
    openNode(connectSingle(server.url), options),
  ])
  await whole(two.feed)
  await one.store.insert(sample(1))
  await one.store.insert(sample(2, { subject: 'bob' }))
  await two.store.get(sampleId(1))
  two.told.length = 0
  await one.store.touch([{ id: sampleId(1), seenAt: start + 9, idleExpiresAt: start + minute, ip: null }])
  await one.store.revoke({ subject: 'bob' }, logout)
  await one.store.revoke({ id: sampleId(1) }, logout)
  await until('the node is told', () => two.heard(sampleId(1)))
  expect(two.told.flat()).toEqual([sampleId(1)])
})

/** Two sessions of two slot tags, and a second node that has room to remember one. */
async function withRoomForOne() {
  const options = fresh()
  const [one, two] = await Promise.all([
    openNode(connectSingle(server.url), options),
    openNode(connectSingle(server.url), { ...options, maxKnown: 1 }),
  ])
  await whole(two.feed)
  const id = (number: number) => sampleId(number, `s${number}`)
  for (const number of [1, 2]) await one.store.insert(sample(number, { subject: `s${number}` }))
  return { one, two, id }
}

it('tells of a session that is asked for again after it was let go for lack of room', async () => {
  const { one, two, id } = await withRoomForOne()
  for (const number of [1, 2, 1]) await two.store.get(id(number))
  expect(two.told).toContainEqual([id(1)])
  two.told.length = 0
  await one.store.revoke({ id: id(1) }, logout)
  await until('the node is told', () => two.heard(id(1)))
})

it('tells of a session that was let go and is asked for by one who still holds its record', async () => {
  const { one, two, id } = await withRoomForOne()
  const held = await two.store.get(id(1))
  await two.store.get(id(2))
  expect(await two.store.get(id(1), held)).toEqual(held)
  two.told.length = 0
  await one.store.revoke({ id: id(1) }, logout)
  await until('the node is told', () => two.heard(id(1)))
})

it('tells of a session that was let go while it was read, once it is asked for again', async () => {
  const options = fresh()
  const one = await openNode(connectSingle(server.url), options)
  let answer: () => void = () => {}
  const held = new Promise<void>((resolve) => {
    answer = resolve
  })
  const two = await openNode(connectHolding(held), { ...options, maxKnown: 1 })
  await whole(two.feed)
  const id = (number: number) => sampleId(number, `s${number}`)
  for (const number of [1, 2]) await one.store.insert(sample(number, { subject: `s${number}` }))
  const reading = [1, 2].map((number) => two.store.get(id(number)))
  expect(two.told).toContainEqual([id(1)])
  answer()
  await Promise.all(reading)
  await two.store.get(id(1))
  two.told.length = 0
  await one.store.revoke({ id: id(1) }, logout)
  await until('the node is told', () => two.heard(id(1)))
})

it('names what was revoked, and how, and leaves the siblings alone', async () => {
  const options = fresh()
  const [one, two] = await Promise.all([
    openNode(connectSingle(server.url), options),
    openNode(connectSingle(server.url), options),
  ])
  await whole(two.feed)
  const subjects = { subject: 'alice' }
  for (const number of [1, 2, 3, 4, 5]) {
    await one.store.insert(sample(number, subjects))
    await two.store.get(sampleId(number, 'alice'))
  }
  const ended: unknown[] = []
  two.feed.subscribe((ids, how) => ended.push([ids, how]))
  const id = (number: number) => sampleId(number, 'alice')
  await one.store.revoke({ id: id(1) }, logout)
  const cap = { max: 4, now: start + minute, whenFull: 'evict-oldest', replaces: id(3) } as const
  await one.store.insert(sample(6, subjects), { ...cap, max: 3 })
  await one.store.replace(sample(5, subjects), 0)
  await one.store.revoke({ subject: 'alice', except: id(4) }, logout)
  await until('the last is told', () => ended.length >= 5)
  expect(ended).toEqual([
    [[id(1)], logout],
    [[id(2)], { at: cap.now, reason: 'evicted' }],
    [[id(3)], { at: cap.now, reason: 'replaced' }],
    [expect.arrayContaining([id(5)]), undefined],
    [[id(5)], logout],
  ])
})

it('takes a note that it does not understand for one that anything of the tag may have changed', async () => {
  const options = fresh()
  const node = await openNode(connectSingle(server.url), options)
  await whole(node.feed)
  await node.store.insert(sample(1))
  const tag = sampleId(1).slice(0, 4)
  const ended: unknown[] = []
  node.feed.subscribe((ids, how) => ended.push([ids, how]))
  const note = `${options.prefix}x{${tag.slice(0, 2)}}${tag.slice(2)}`
  const own = sampleId(1).slice(4)
  const strange = ['.000000000logout.', `.000000000later.${own}`, `.000000000logout.${own}x`, '.', '-2']
  for (const more of strange) await server.cli('set', note + more, '')
  await until('all are told', () => ended.length >= strange.length)
  for (const each of ended) expect(each).toEqual([[sampleId(1)], undefined])
})

it('trusts nothing after its connection was killed, until it is tracked again', async () => {
  const node = await openNode(connectSingle(server.url), fresh())
  await whole(node.feed)
  const clients = await server.cli('client', 'list')
  const tracking = clients.split('\n').find((line) => /flags=\w*t/.test(line) && /flags=\w*B/.test(line))
  node.told.length = 0
  await server.cli('client', 'kill', 'id', /id=(\d+)/.exec(tracking ?? '')?.[1] ?? '')
  await until('the loss is noticed', () => node.told.includes(undefined))
  expect(node.feed.confirm(Date.now(), 60_000)).toBe(false)
  await whole(node.feed)
  await node.store.insert(sample(1))
  node.told.length = 0
  const other = await openNode(connectSingle(server.url), { prefix: `c${prefixes}:` })
  await other.store.revoke({ id: sampleId(1) }, logout)
  await until('it is told again', () => node.told.some((ids) => ids?.includes(sampleId(1))))
})

it('stops confirming within the age it is asked for when the route to the server is lost', async () => {
  const proxy = await startTcpProxy(server)
  const node = await openNode(connectSingle(`redis://127.0.0.1:${proxy.port}`), fresh())
  await whole(node.feed)
  proxy.hold()
  const lost = Date.now()
  await until('it stops', () => !node.feed.confirm(Date.now(), 200))
  expect(Date.now() - lost).toBeLessThan(1000)
  expect(node.feed.confirm(Date.now(), 200)).toBe(false)
  proxy.release()
  await whole(node.feed, 200)
  proxy.cut()
  await until('it stops again', () => !node.feed.confirm(Date.now(), 60_000))
  await whole(node.feed)
  await proxy.stop()
})

it('opens a new connection when one hangs for seconds', async () => {
  const proxy = await startTcpProxy(server)
  const node = await openNode(connectSingle(`redis://127.0.0.1:${proxy.port}`), fresh())
  await whole(node.feed)
  proxy.hold()
  const now = Date.now()
  await until('it stops', () => !node.feed.confirm(Date.now(), 50))
  node.told.length = 0
  expect(node.feed.confirm(now + 60_000, 1000)).toBe(false)
  expect(node.told).toContain(undefined)
  proxy.release()
  await whole(node.feed)
  await proxy.stop()
})

it('does not take an old answer for a fresh one when the clock goes back', async () => {
  const node = await openNode(connectSingle(server.url), fresh())
  await whole(node.feed)
  expect(node.feed.confirm(Date.now() - 3000, 1000)).toBe(false)
})

it('asserts again what this node revoked when the server comes back without it', async () => {
  const options = fresh()
  const [one, two] = await Promise.all([
    openNode(connectSingle(server.url), options),
    openNode(connectSingle(server.url), options),
  ])
  await Promise.all([whole(one.feed), whole(two.feed)])
  for (const number of [1, 2]) await one.store.insert(sample(number))
  const tag = sampleId(1).slice(0, 4)
  const [open, revoked] = ['s', 'e'].map((kind) => `${options.prefix}${kind}{${tag.slice(0, 2)}}${tag.slice(2)}`)
  const backup = `${open}.backup`
  await server.cli('copy', open ?? '', backup)
  await one.store.revoke({ id: sampleId(1) }, logout)
  // As after a failover to a replica that had not heard of it.
  await server.cli('copy', backup, open ?? '', 'replace')
  await server.cli('del', revoked ?? '')
  expect((await two.store.get(sampleId(1)))?.revokedAt).toBe(null)
  expect((await one.store.get(sampleId(1)))?.revokedAt).toBe(logout.at)
  await server.cli('client', 'kill', 'type', 'normal')
  await until('the other node sees it revoked', async () => (await two.store.get(sampleId(1)))?.revokedAt === logout.at)
  expect((await two.store.get(sampleId(2)))?.revokedAt).toBe(null)
})

it('asserts everyone-out again when the server comes back without it, and spares who came after', async () => {
  const options = fresh()
  const [one, two] = await Promise.all([
    openNode(connectSingle(server.url), options),
    openNode(connectSingle(server.url), options),
  ])
  await Promise.all([whole(one.feed), whole(two.feed)])
  await one.store.insert(sample(1))
  await one.store.revoke({ everyone: true }, { at: logout.at, reason: 'everyone-out' })
  await one.store.insert(sample(2))
  await server.cli('del', `${options.prefix}o{${sampleId(1).slice(0, 2)}}`)
  expect((await two.store.get(sampleId(1)))?.revokedAt).toBe(null)
  expect((await one.store.get(sampleId(1)))?.reason).toBe('everyone-out')
  await server.cli('client', 'kill', 'type', 'normal')
  await until('the other node sees it', async () => (await two.store.get(sampleId(1)))?.reason === 'everyone-out')
  expect((await two.store.get(sampleId(2)))?.revokedAt).toBe(null)
})
