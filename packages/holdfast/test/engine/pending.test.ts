import { describe, expect, it, vi } from 'vitest'
import { PendingRevocations, type PendingTarget } from '../../src/engine/pending.ts'
import type { Revocation, RevokeTarget } from '../../src/store/store.ts'
import { fakeClock } from '../../src/testing/index.ts'
import { record } from './support/records.ts'
import { deferred, second, settle } from './support/start.ts'

const at = (instant: number, reason: Revocation['reason'] = 'admin'): Revocation => ({ at: instant, reason })

function pending(apply: (target: PendingTarget, revocation: Revocation) => Promise<unknown>) {
  const clock = fakeClock()
  const onFault = vi.fn()
  const applied = vi.fn(apply)
  return { waiting: new PendingRevocations({ clock, onFault, apply: applied }), clock, onFault, applied }
}

const broken = () => Promise.reject(new Error('store'))

describe('revocations that wait for the store', () => {
  const alice = record({ id: 'a', subject: 'alice', createdAt: 10 })

  it('name one session, a subject up to their instant but for an exception, or everyone', () => {
    const reasonAfter = (target: RevokeTarget, changes = {}) => {
      const { waiting } = pending(broken)
      waiting.add(target, at(10))
      return waiting.reasonFor({ ...alice, ...changes })
    }
    expect(reasonAfter({ id: 'a' })).toBe('admin')
    expect(reasonAfter({ id: 'b' })).toBeUndefined()
    expect(reasonAfter({ id: 'a' }, { createdAt: 11 })).toBe('admin')
    expect(reasonAfter({ subject: 'alice' })).toBe('admin')
    expect(reasonAfter({ subject: 'bob' })).toBeUndefined()
    expect(reasonAfter({ subject: 'alice' }, { createdAt: 11 })).toBeUndefined()
    expect(reasonAfter({ subject: 'alice', except: 'a' })).toBeUndefined()
    expect(reasonAfter({ subject: 'alice', except: 'b' })).toBe('admin')
    expect(reasonAfter({ everyone: true })).toBe('admin')
    expect(reasonAfter({ everyone: true }, { subject: null })).toBe('admin')
    expect(reasonAfter({ everyone: true }, { createdAt: 11 })).toBeUndefined()
  })

  it('are repeated every second until they are recorded, then forgotten', async () => {
    let down = true
    const { waiting, clock, onFault, applied } = pending(async () => {
      if (down) throw new Error('store')
    })
    waiting.add({ id: 'a' }, at(10, 'logout'))
    for (const tries of [1, 2, 3]) {
      clock.advance(second)
      await settle()
      expect(applied).toHaveBeenCalledTimes(tries)
      expect(waiting.reasonFor(alice)).toBe('logout')
    }
    expect(onFault).toHaveBeenCalledTimes(3)
    down = false
    clock.advance(second)
    await settle()
    expect(applied).toHaveBeenLastCalledWith({ id: 'a' }, at(10, 'logout'))
    expect(waiting.size).toBe(0)
    expect(waiting.reasonFor(alice)).toBeUndefined()
    expect(clock.pending).toBe(0)
  })

  it('do not hold each other up when the store never takes one of them', async () => {
    const { waiting, clock } = pending(async (target) => {
      if ('id' in target && target.id === 'poison') throw new Error('store')
    })
    waiting.add({ id: 'poison' }, at(1))
    waiting.add({ id: 'a' }, at(1))
    clock.advance(second)
    await settle()
    clock.advance(second)
    await settle()
    expect(waiting.reasonFor(alice)).toBeUndefined()
    expect(waiting.size).toBe(1)
  })

  it('keep a newer order that came while an older one of the same target was being recorded', async () => {
    const recording = deferred<void>()
    const { waiting, clock, applied } = pending(() => recording.promise)
    waiting.add({ subject: 'alice' }, at(5))
    clock.advance(second)
    waiting.add({ subject: 'alice' }, at(10, 'credential-change'))
    recording.resolve()
    await settle()
    expect(waiting.reasonFor(alice)).toBe('credential-change')
    clock.advance(second)
    await settle()
    expect(applied).toHaveBeenLastCalledWith({ subject: 'alice' }, at(10, 'credential-change'))
    expect(waiting.size).toBe(0)
  })

  it('name a session by its tokens, each as far as it was good for it, and forget each once it is recorded', async () => {
    const { waiting, clock, applied } = pending(async (target) => {
      if ('of' in target && target.token === 'second') throw new Error('store')
    })
    const named = (token: string, good: boolean) => ({ of: 'a', token, isGoodFor: () => good })
    waiting.add(named('spent', false), at(10))
    expect(waiting.reasonFor(alice)).toBeUndefined()
    waiting.add(named('first', true), at(10, 'logout'))
    expect(waiting.reasonFor(alice)).toBe('logout')
    // A view of a session says too little to judge a token by.
    expect(waiting.reasonFor({ id: 'a', subject: 'alice', createdAt: 10 })).toBeUndefined()
    expect(waiting.reasonFor(record({ id: 'b' }))).toBeUndefined()
    clock.advance(second)
    await settle()
    expect([applied.mock.calls.length, waiting.size, waiting.reasonFor(alice)]).toEqual([2, 0, undefined])
    waiting.add(named('second', true), at(11, 'admin'))
    clock.advance(second)
    await settle()
    expect(waiting.reasonFor(alice)).toBe('admin')
  })

  it.each([{ everyone: true }, { subject: 'alice' }] as const)(
    'lose nothing when %j is asked for again after the clock went back',
    (target) => {
      const { waiting } = pending(broken)
      waiting.add(target, at(10))
      waiting.add(target, at(9, 'credential-change'))
      expect(waiting.reasonFor(alice)).toBe('credential-change')
    },
  )

  it('are bounded: the oldest is let go, with a fault that says so', () => {
    const { waiting, onFault } = pending(broken)
    for (let at_ = 0; at_ <= 10_000; at_ += 1) waiting.add({ id: `s${at_}` }, at(1))
    expect(waiting.size).toBe(10_000)
    expect(onFault).toHaveBeenCalledOnce()
    expect(waiting.reasonFor(record({ id: 's0' }))).toBeUndefined()
    expect(waiting.reasonFor(record({ id: 's1' }))).toBe('admin')
  })

  it('are tried once more at the end, and told when that fails', async () => {
    const recorded = pending(async () => undefined)
    recorded.waiting.add({ id: 'a' }, at(1))
    await recorded.waiting.stop()
    expect(recorded.applied).toHaveBeenCalledOnce()
    expect(recorded.onFault).not.toHaveBeenCalled()

    const lost = pending(broken)
    lost.waiting.add({ id: 'a' }, at(1))
    await lost.waiting.stop()
    expect(lost.onFault).toHaveBeenLastCalledWith(new Error('1 revocations were never recorded'), 'stopping')
    expect(lost.clock.pending).toBe(0)
    lost.waiting.add({ id: 'b' }, at(1))
    expect(lost.clock.pending).toBe(0)
  })
})
