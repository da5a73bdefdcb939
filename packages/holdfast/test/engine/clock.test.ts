import { afterEach, describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../src/engine/clock.ts'

describe('the system clock', () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  it('cuts a wait that a timer cannot hold, which would otherwise be over at once', () => {
    vi.useFakeTimers()
    const run = vi.fn()
    systemClock.after(30 * 86_400_000, run)
    vi.advanceTimersByTime(2 ** 31 - 2)
    expect(run).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(run).toHaveBeenCalledOnce()
  })

  it('runs once after its wait, at once when there is none, and not when cancelled', () => {
    vi.useFakeTimers()
    const [later, atOnce, never] = [vi.fn(), vi.fn(), vi.fn()]
    systemClock.after(10, later)
    systemClock.after(-5, atOnce)
    systemClock.after(10, never)()
    vi.advanceTimersByTime(0)
    expect(atOnce).toHaveBeenCalledOnce()
    vi.advanceTimersByTime(100)
    expect(later).toHaveBeenCalledOnce()
    expect(never).not.toHaveBeenCalled()
  })

  it('keeps no process alive and tells whole milliseconds', () => {
    const timeout = vi.spyOn(globalThis, 'setTimeout')
    const cancel = systemClock.after(60_000, () => undefined)
    expect(timeout.mock.results[0]?.value.hasRef()).toBe(false)
    cancel()
    timeout.mockRestore()
    expect(Number.isInteger(systemClock.now())).toBe(true)
  })
})
