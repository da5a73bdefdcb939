import { describe, expect, it } from 'vitest'
import { fakeClock, seededRandom } from '../../src/testing/index.ts'

describe('the fake clock', () => {
  it('stands still until it is moved', () => {
    const clock = fakeClock(1000)
    expect([clock.now(), clock.now()]).toEqual([1000, 1000])
    clock.advance(5)
    expect(clock.now()).toBe(1005)
  })

  it('runs timers in the order of their instants, then of their making, each at its own instant', () => {
    const clock = fakeClock(0)
    const ran: string[] = []
    const set = (name: string, ms: number) => clock.after(ms, () => ran.push(`${name}@${clock.now()}`))
    set('late', 30)
    set('first', 10)
    set('second', 10)
    set('at once', -5)
    set('later', 31)
    clock.advance(30)
    expect(ran).toEqual(['at once@0', 'first@10', 'second@10', 'late@30'])
    expect(clock.pending).toBe(1)
  })

  it('runs timers that timers set, when they too are due', () => {
    const clock = fakeClock(0)
    const ran: number[] = []
    const again = () => {
      ran.push(clock.now())
      clock.after(10, again)
    }
    clock.after(10, again)
    clock.advance(35)
    expect(ran).toEqual([10, 20, 30])
    expect(clock.now()).toBe(35)
  })

  it('forgets a cancelled timer', () => {
    const clock = fakeClock(0)
    clock.after(1, () => expect.unreachable())()
    clock.advance(10)
    expect(clock.pending).toBe(0)
  })

  it('jumps in either direction without running or delaying a timer', () => {
    const clock = fakeClock(1_000_000)
    const ran: number[] = []
    clock.after(100, () => ran.push(clock.now()))
    clock.jumpTo(5_000_000)
    clock.jumpTo(10)
    expect(ran).toEqual([])
    clock.advance(100)
    expect(ran).toEqual([110])
  })
})

describe('the seeded random source', () => {
  it('repeats itself for a seed and differs between seeds', () => {
    const draw = (seed: number) => {
      const bytes = new Uint8Array(64)
      seededRandom(seed)(bytes)
      return Buffer.from(bytes).toString('hex')
    }
    expect(draw(1)).toBe(draw(1))
    expect(draw(1)).not.toBe(draw(2))
    expect(draw(0)).not.toMatch(/^0+$/)
  })

  it('uses every value about as often as any other', () => {
    const bytes = new Uint8Array(256 * 200)
    seededRandom(3)(bytes)
    const counts = new Array<number>(256).fill(0)
    for (const byte of bytes) counts[byte] = (counts[byte] ?? 0) + 1
    expect(Math.min(...counts)).toBeGreaterThan(130)
    expect(Math.max(...counts)).toBeLessThan(270)
  })
})
