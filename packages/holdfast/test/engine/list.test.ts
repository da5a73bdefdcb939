import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { memoryStore } from '../../src/store/memory.ts'
import { hour, must, start } from './support/start.ts'
import { failingStore } from './support/stores.ts'

async function populated(options: Parameters<typeof start>[0] = {}) {
  const started = start({ sessionsPerSubject: 'unlimited', ...options })
  for (let at = 0; at < 5; at += 1) {
    await started.engine.issue({ subject: 'alice', attributes: { at } })
    await started.engine.issue({ subject: 'bob' })
    await started.engine.issueAnonymous()
    started.clock.advance(at % 2)
  }
  return started
}

type Engine = ReturnType<typeof start>['engine']

async function pages(engine: Engine, input: Parameters<Engine['list']>[0]) {
  const seen: string[] = []
  let cursor: string | undefined
  do {
    const page = await engine.list({ ...input, cursor })
    expect(page.items.length).toBeLessThanOrEqual(input?.limit ?? 50)
    seen.push(...page.items.map(({ id }) => id))
    cursor = page.next
  } while (cursor !== undefined)
  return seen
}

describe('list', () => {
  it.each([1, 2, 7, 200])('pages by %d without gaps or repeats, newest first', async (limit) => {
    const { engine } = await populated()
    const all = (await engine.list({ limit: 200 })).items
    expect(all).toHaveLength(15)
    expect([...all].sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1))).toEqual(all)
    expect(await pages(engine, { limit })).toEqual(all.map(({ id }) => id))
  })

  it("shows a subject's, the visitors' or everyone's", async () => {
    const { engine } = await populated()
    const subjects = async (subject?: string | null) =>
      new Set((await engine.list(subject === undefined ? {} : { subject })).items.map((item) => item.subject))
    expect(await subjects('alice')).toEqual(new Set(['alice']))
    expect(await subjects(null)).toEqual(new Set([null]))
    expect(await subjects()).toEqual(new Set(['alice', 'bob', null]))
    expect(await subjects('nobody')).toEqual(new Set())
  })

  it('leaves out what has ended, unless asked', async () => {
    const { engine, clock } = await populated()
    const [first] = (await engine.list({ subject: 'alice' })).items
    await engine.revoke({ session: must(first).id }, { reason: 'logout' })
    expect((await engine.list({ subject: 'alice' })).items).toHaveLength(4)
    const { items } = await engine.list({ subject: 'alice', liveOnly: false })
    expect(items).toHaveLength(5)
    expect(items[0]).toMatchObject({ reason: 'logout', revokedAt: clock.now() })
    clock.advance(hour)
    expect((await engine.list()).items).toEqual([])
    expect(await engine.get(must(first).id)).toMatchObject({ reason: 'logout' })
  })

  it('shows a step-up while it holds', async () => {
    const { engine, clock } = start()
    const { session } = await engine.issue({ subject: 'alice', amr: ['pwd'] })
    await engine.elevate(session.id, { amr: ['otp'] })
    expect((await engine.list()).items[0]).toMatchObject({ amr: ['pwd', 'otp'] })
    clock.advance(10 * 60_000)
    expect((await engine.list()).items[0]).toMatchObject({ amr: ['pwd'], elevatedUntil: null })
  })

  it.each([0, -1, 201, 1.5, Number.NaN, '5', Number.POSITIVE_INFINITY])('refuses a limit of %s', async (limit) => {
    await expect(start().engine.list({ limit: limit as number })).rejects.toMatchObject({ fields: [{ field: 'limit' }] })
  })

  it('refuses any text that is no cursor, and never fails otherwise', async () => {
    const { engine } = await populated()
    for (const cursor of [
      '',
      '.',
      'zz',
      `.${'A'.repeat(24)}`,
      `1.${'A'.repeat(23)}`,
      `-1.${'A'.repeat(24)}`,
      `1.${'A'.repeat(24)}\n`,
      `zzzzzzzzzz.${'A'.repeat(24)}`,
    ]) {
      await expect(engine.list({ cursor })).rejects.toMatchObject({ fields: [{ field: 'cursor' }] })
    }
    await fc.assert(
      fc.asyncProperty(fc.string({ maxLength: 40 }), async (cursor) => {
        await engine.list({ cursor }).catch((fault: unknown) => expect(fault).toMatchObject({ code: 'invalid-request' }))
      }),
    )
  })

  it('never mixes "none" with "cannot tell"', async () => {
    const failing = failingStore(memoryStore())
    const { engine } = start({ store: failing.store })
    const { session } = await engine.issue({ subject: 'alice' })
    failing.failing = new Set(['get', 'list'])
    await expect(engine.get(session.id)).rejects.toMatchObject({ code: 'store-unavailable' })
    await expect(engine.list()).rejects.toMatchObject({ code: 'store-unavailable' })
    expect(await engine.get('no id')).toBeUndefined()
  })
})
