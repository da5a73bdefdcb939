/** Checks that ask the store and find the very record that this node remembers: what they may leave out, and what not. */
import { describe, expect, it } from 'vitest'
import { DecodedRecords } from '../../src/store/decoded-records.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { SessionRecord } from '../../src/store/store.ts'
import { chrome, type Deferred, deferred, firefox, minute, must, outcomeOf, start } from './support/start.ts'
import { failingStore, wrapStore } from './support/stores.ts'

const fresh = { fresh: true } as const
const kind = {
  isSame: (a: SessionRecord, b: SessionRecord) => JSON.stringify(a) === JSON.stringify(b),
  lengthOf: () => 0,
}

/** A store over a network that decodes the same answer once; while `hold` is set no answer arrives. */
async function started() {
  const decoded = new DecodedRecords<SessionRecord>(kind)
  const inner = failingStore(memoryStore())
  const remote = {
    gets: 0,
    hold: undefined as Deferred<void> | undefined,
    /** Changed behind the back of this node: no feed tells of it. */
    changed: {} as Partial<SessionRecord>,
  }
  const store = {
    ...wrapStore(inner.store, (_, run) => run()),
    async get(id: string) {
      remote.gets += 1
      const record = await inner.store.get(id)
      await remote.hold?.promise
      return record && decoded.of(id, { ...record, ...remote.changed }, (answer) => answer)
    },
  }
  const node = start({ store })
  const issued = await node.engine.issue({ subject: 'alice', context: firefox })
  const check = async (context: typeof firefox = firefox) => node.engine.verify(issued.token, context, fresh)
  const sessionOf = async (context?: typeof firefox) => {
    const verdict = await check(context)
    return must(verdict.status === 'live' ? verdict.session : undefined)
  }
  await check()
  return { ...node, inner, remote, issued, check, sessionOf }
}

describe('a fresh check that finds the record unchanged', () => {
  it('has asked the store, and has the verdict that is remembered', async () => {
    const { remote, check, engine } = await started()
    const [before, counted] = [await check(), engine.stats().verdicts.live]
    expect(await check()).toBe(before)
    expect(remote.gets).toBe(3)
    expect(engine.stats().verdicts.live).toBe(counted + 1)
  })

  it('is refused all the same for another client', async () => {
    const { check } = await started()
    expect(outcomeOf(await check(chrome))).toBe('binding-mismatch')
    expect(outcomeOf(await check())).toBe('live')
  })

  it('notes another address', async () => {
    const { sessionOf } = await started()
    expect((await sessionOf({ ...firefox, ip: '198.51.100.9' })).lastIp).toBe('198.51.100.9')
  })

  it('records activity when that is due', async () => {
    const { sessionOf, clock } = await started()
    const first = await sessionOf()
    clock.advance(2 * minute)
    expect((await sessionOf()).seenAt).toBe(first.seenAt + 2 * minute)
  })

  it('finds the session expired when its time is over', async () => {
    const { check, clock } = await started()
    clock.advance(31 * minute)
    expect(outcomeOf(await check())).toBe('idle-timeout')
  })

  it('counts a revocation that the store could not record, though it was asked for only meanwhile', async () => {
    const { remote, inner, engine, issued, check } = await started()
    remote.hold = deferred()
    const slow = check()
    inner.failing = new Set(['revoke'])
    await engine.revoke({ session: issued.session.id }, { reason: 'logout' }).catch(() => undefined)
    remote.hold.resolve()
    expect(outcomeOf(await slow)).toBe('logout')
  })
})

describe('a fresh check that finds the record changed, under the same revision and without a word of it', () => {
  it('says what the store says', async () => {
    const { remote, check, clock } = await started()
    remote.changed = { attributes: { role: 'admin' } }
    expect(await check()).toMatchObject({ status: 'live', session: { attributes: { role: 'admin' } } })
    remote.changed = { revokedAt: clock.now(), reason: 'admin' }
    expect(outcomeOf(await check())).toBe('admin')
  })

  it('refuses a credential that was replaced', async () => {
    const { remote, check } = await started()
    remote.changed = { digest: 'A'.repeat(43) }
    expect(outcomeOf(await check())).toBe('superseded')
  })
})
