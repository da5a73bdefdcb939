import { describe, expect, it, vi } from 'vitest'
import { runHook, unfailing } from '../../src/engine/hook.ts'
import { settle } from './support/start.ts'

describe('what the app hooked in', () => {
  it('is told about when it throws or rejects, and stops nothing', async () => {
    const told = vi.fn()
    const fault = new Error('theirs')
    runHook(
      () => {
        throw fault
      },
      told,
      'now',
    )
    runHook(() => Promise.reject(fault), told, 'later')
    runHook(() => 'fine', told, 'never')
    await settle()
    expect(told.mock.calls).toEqual([
      [fault, 'now'],
      [fault, 'later'],
    ])
  })

  it('may be the logger itself', async () => {
    const throws = unfailing(() => {
      throw new Error('disk full')
    })
    const rejects = unfailing((() => Promise.reject(new Error('socket closed'))) as () => void)
    expect(() => throws(new Error('a fault'), 'testing')).not.toThrow()
    expect(() => rejects(new Error('a fault'), 'testing')).not.toThrow()
    await settle()
  })
})
