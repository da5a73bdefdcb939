import { describe, expect, it } from 'vitest'
import { ChangeListeners } from '../../../src/store/changes.ts'
import { PostgresChanges } from '../../../src/store/postgres-changes.ts'
import type { PostgresClient, PostgresQuery } from '../../../src/store/postgres-pool.ts'
import { withResolvers } from './promise.ts'

/** A connection whose every answer the test gives. */
class Line implements PostgresClient {
  readonly asked: { text: string; answer: () => void; fail: () => void }[] = []
  readonly opened = withResolvers<void>()
  ended = false
  readonly #handlers = new Map<string, (event: { payload?: string } & Error) => void>()

  connect(): Promise<void> {
    return this.opened.promise
  }

  query({ text }: PostgresQuery): Promise<{ rows: unknown[] }> {
    const { promise, resolve, reject } = withResolvers<{ rows: unknown[] }>()
    this.asked.push({ text, answer: () => resolve({ rows: [] }), fail: () => reject(new Error('timeout')) })
    return promise
  }

  async end(): Promise<void> {
    this.ended = true
  }

  on(event: string, handler: (event: never) => void): void {
    this.#handlers.set(event, handler as (event: { payload?: string } & Error) => void)
  }

  emit(event: string, payload?: string): void {
    this.#handlers.get(event)?.(Object.assign(new Error('gone'), payload === undefined ? {} : { payload }))
  }

  /** Answers the latest query. */
  async answer(): Promise<void> {
    this.asked.at(-1)?.answer()
    await settle()
  }
}

const settle = () => new Promise<void>((resolve) => setImmediate(resolve))
const id = 'A'.repeat(24)
const other = 'B'.repeat(24)

function open() {
  const lines: Line[] = []
  const told: (readonly string[] | undefined)[] = []
  const connect = () => {
    const line = new Line()
    lines.push(line)
    return line
  }
  const feed = new PostgresChanges({
    open: connect,
    channel: 'holdfast_public',
    listeners: new ChangeListeners(),
    timeout: 5000,
    onServer: () => undefined,
    onAsked: () => undefined,
  })
  const line = (at: number): Line => lines[at] ?? new Line()
  return { feed, lines, told, line, subscribe: () => feed.subscribe((ids) => told.push(ids)) }
}

/** A feed that listens, and has confirmed at 1000. */
async function openWhole() {
  const opened = open()
  opened.subscribe()
  opened.line(0).opened.resolve()
  await settle()
  await opened.line(0).answer()
  opened.feed.confirm(1000, 0)
  await opened.line(0).answer()
  opened.told.length = 0
  return opened
}

describe('the feed of changes', () => {
  it('connects when somebody subscribes, and says when it listens that anything may have changed', async () => {
    const { subscribe, line, told, feed } = open()
    subscribe()
    expect(feed.confirm(1000, 1000)).toBe(false)
    line(0).opened.resolve()
    await settle()
    expect(line(0).asked.map(({ text }) => text)).toEqual(['LISTEN "holdfast_public"'])
    expect(told).toEqual([])
    await line(0).answer()
    expect(told).toEqual([undefined])
  })

  it('confirms up to the instant at which its latest answered query was sent, not at which it was answered', async () => {
    const { feed, line } = await openWhole()
    expect(feed.confirm(1050, 50)).toBe(true)
    expect(feed.confirm(1900, 900)).toBe(true)
    expect(feed.confirm(1900, 899)).toBe(false)
    // The query of 1050 is still under way: nothing else was sent meanwhile.
    expect(line(0).asked).toHaveLength(3)
    await line(0).answer()
    expect(feed.confirm(1900, 850)).toBe(true)
    expect(feed.confirm(1900, 849)).toBe(false)
  })

  it('confirms nothing to a clock that went back', async () => {
    const { feed } = await openWhole()
    expect(feed.confirm(999, 1000)).toBe(false)
  })

  it('tells the ids that were sent, and everything for what it cannot read', async () => {
    const { line, told } = await openWhole()
    for (const payload of [id, `${id},${other}`, '*', '', `${id},`, 'short', `${id};${other}`])
      line(0).emit('notification', payload)
    line(0).emit('notification')
    expect(told).toEqual([[id], [id, other], undefined, undefined, undefined, undefined, undefined, undefined])
  })

  it('tells how sessions ended, where it says so in words that it knows', async () => {
    const { line, feed } = await openWhole()
    const told: unknown[] = []
    feed.subscribe((...all) => told.push(all))
    for (const payload of [`${id},${other}!1234!evicted`, `${id}!1234!later`, `${id}!x!evicted`])
      line(0).emit('notification', payload)
    expect(told).toEqual([
      [[id, other], { at: 1234, reason: 'evicted' }],
      [[id], undefined],
      [undefined, undefined],
    ])
  })

  it.each(['error', 'end'])(
    'tells that anything may have changed on %s, and confirms nothing until it listens again',
    async (event) => {
      const { feed, line, lines, told } = await openWhole()
      line(0).emit(event)
      expect(told).toEqual([undefined])
      expect(line(0).ended).toBe(true)
      expect(feed.confirm(1000, 1000)).toBe(false)
      expect(lines).toHaveLength(2)
      line(1).opened.resolve()
      await settle()
      expect(feed.confirm(1001, 1000)).toBe(false)
      await line(1).answer()
      expect(told).toEqual([undefined, undefined])
      feed.confirm(1002, 1000)
      await line(1).answer()
      expect(feed.confirm(1003, 1)).toBe(true)
    },
  )

  it('gives a connection up whose query is not answered in time', async () => {
    const { feed, line, lines, told } = await openWhole()
    feed.confirm(1100, 1000)
    line(0).asked.at(-1)?.fail()
    await settle()
    expect(told).toEqual([undefined])
    expect(lines).toHaveLength(2)
    expect(feed.confirm(1101, 1000)).toBe(false)
  })

  it('hears nothing more from a connection that it gave up', async () => {
    const { feed, line, lines } = await openWhole()
    feed.confirm(1100, 1000)
    line(0).emit('error')
    line(0).asked.at(-1)?.answer()
    await settle()
    expect(feed.confirm(1100, 1000)).toBe(false)
    expect(lines).toHaveLength(2)
  })

  it('tries again now and then while the server is away, as often as somebody asks', async () => {
    const { feed, lines, line, subscribe } = open()
    subscribe()
    line(0).opened.reject(new Error('refused'))
    await settle()
    for (const now of [1000, 1100, 1249]) {
      expect(feed.confirm(now, 1000)).toBe(false)
      lines.at(-1)?.opened.reject(new Error('refused'))
      await settle()
    }
    expect(lines).toHaveLength(2)
    feed.confirm(1250, 1000)
    expect(lines).toHaveLength(3)
  })

  it('gives up a connection that does not come to stand', async () => {
    const { feed, lines, line, subscribe } = open()
    subscribe()
    feed.confirm(1000, 1000)
    feed.confirm(11_000, 1000)
    expect(lines).toHaveLength(1)
    feed.confirm(11_001, 1000)
    expect(line(0).ended).toBe(true)
    feed.confirm(11_002, 1000)
    expect(lines).toHaveLength(2)
  })

  it('is silent once closed', async () => {
    const { feed, line, lines, told } = await openWhole()
    await feed.close()
    line(0).emit('end')
    expect([line(0).ended, told, lines.length]).toEqual([true, [], 1])
    expect(feed.confirm(1000, 1000)).toBe(false)
    expect(lines).toHaveLength(1)
  })
})
