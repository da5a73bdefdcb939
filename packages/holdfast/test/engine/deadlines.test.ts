import { describe, expect, it } from 'vitest'
import { Deadlines } from '../../src/engine/deadlines.ts'
import { fakeClock } from '../../src/testing/index.ts'

function open() {
  const clock = fakeClock()
  const deadlines = new Deadlines(clock)
  const late: string[] = []
  /** Returns what its arrival says. */
  const start = (name: string, deadline = 500): (() => boolean) => {
    const call = { isOver: false, onLate: () => void late.push(name) }
    const departure = deadlines.start(deadline, call)
    return () => departure.arrive(call)
  }
  return { clock, late, start }
}

describe('deadlines', () => {
  it('take one timer for the calls of one instant, and none once all are answered', () => {
    const { clock, start } = open()
    const arrivals = ['one', 'two', 'three'].map((name) => start(name))
    expect(clock.pending).toBe(1)
    expect(arrivals.map((arrive) => arrive())).toEqual([true, true, true])
    expect(clock.pending).toBe(0)
  })

  it('end each call at its own instant', () => {
    const { clock, late, start } = open()
    start('first')
    clock.advance(1)
    start('second')
    start('short', 100)
    clock.advance(498)
    expect(late).toEqual(['short'])
    clock.advance(1)
    expect(late).toEqual(['short', 'first'])
    clock.advance(1)
    expect(late).toEqual(['short', 'first', 'second'])
  })

  it('end only what was not answered, and take no answer after', () => {
    const { clock, late, start } = open()
    const [answered, hanging] = [start('answered'), start('hanging')]
    expect(answered()).toBe(true)
    clock.advance(500)
    expect(late).toEqual(['hanging'])
    expect([answered(), hanging()]).toEqual([false, false])
  })

  it('begin anew for a call that sets out in the same instant as one that is answered', () => {
    const { clock, late, start } = open()
    start('one')()
    start('two')
    expect(clock.pending).toBe(1)
    clock.advance(500)
    expect(late).toEqual(['two'])
  })

  it('last as long whatever the wall clock does', () => {
    const { clock, late, start } = open()
    start('one')
    clock.jumpTo(clock.now() - 86_400_000)
    clock.advance(499)
    expect(late).toEqual([])
    clock.advance(1)
    expect(late).toEqual(['one'])
  })
})
