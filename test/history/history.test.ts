import { describe, expect, it } from 'vitest'
import { type Operation, type Safety, violations } from './history.ts'

const end = (safe: Safety = 'durable', to = 10, ended: readonly string[] = ['token']): Operation => ({
  did: 'end',
  node: 0,
  from: 9,
  to,
  ended,
  safe,
  how: 'revoke',
})
const check = (from: number, changes: Partial<Extract<Operation, { did: 'check' }>> = {}): Operation => ({
  did: 'check',
  how: 'verify',
  node: 1,
  from,
  to: from + 1,
  session: 'session',
  token: 'token',
  answer: 'live',
  fresh: false,
  ...changes,
})
const contend = (had: number, from = 10): Operation => ({
  did: 'contend',
  for: 'a ticket',
  node: 1,
  from,
  to: from + 1,
  had,
  most: 1,
})

describe('the history checker', () => {
  it('accepts "live" before the acknowledgement and within the bound', () => {
    expect(violations([check(5), end(), check(10), check(110)], 100)).toEqual([])
  })

  it('finds "live" beyond the bound, and at once where the store was asked', () => {
    const late = { node: 1, what: 'verify: session live 101 ms after revoke (durable)' }
    expect(violations([end(), check(111)], 100)).toEqual([late])
    expect(violations([end(), check(11, { fresh: true, how: 'refresh' })], 100)).toHaveLength(1)
  })

  it('holds the end of a session against tokens that came after it, and that of a token against no other', () => {
    expect(violations([end('durable', 10, ['session']), check(200, { token: 'later' })], 100)).toHaveLength(1)
    expect(violations([end(), check(200, { token: 'later' })], 100)).toEqual([])
  })

  it('takes no other answer for "live"', () => {
    expect(violations([end(), check(500, { answer: 'unknown' }), check(500, { answer: 'admin' })], 100)).toEqual([])
  })

  it('lets a failover undo for its time what was not durable, and nothing else', () => {
    const outages = [{ from: 400, to: 600 }]
    expect(violations([end('asserted'), check(500)], 100, outages)).toEqual([])
    expect(violations([end('asserted'), check(700)], 100, outages)).toHaveLength(1)
    expect(violations([end('durable'), check(500)], 100, outages)).toHaveLength(1)
    expect(violations([end('durable'), check(500)], 100, [{ from: 400, to: 600, isSplit: true }])).toEqual([])
    expect(violations([end('durable'), check(700)], 100, [{ from: 400, to: 600, isSplit: true }])).toHaveLength(1)
  })

  it('lets a server that was emptied lose sessions, and revive none', () => {
    const issue: Operation = { did: 'issue', node: 0, from: 0, to: 1, session: 'session' }
    const outages = [{ from: 400, to: 600, isEmptied: true }]
    expect(violations([issue, check(900, { answer: 'not-found' })], 100, outages)).toEqual([])
    expect(violations([{ ...issue, from: 700, to: 701 }, check(900, { answer: 'not-found' })], 100, outages)).toHaveLength(1)
    expect(violations([end('asserted'), check(500)], 100, outages)).toHaveLength(1)
  })

  it('lets a failover undo for good what came with it and nobody asserts again', () => {
    const outages = [{ from: 400, to: 600 }]
    expect(violations([end('replicated', 450), check(900)], 100, outages)).toEqual([])
    expect(violations([end('replicated', 10), check(900)], 100, outages)).toHaveLength(1)
  })

  it('holds a node to what it was asked to end and could not record', () => {
    const failed: Operation = { did: 'fail to end', node: 1, from: 9, to: 10, ended: ['token'] }
    expect(violations([failed, check(11)], 100)).toHaveLength(1)
    expect(violations([failed, check(500, { node: 2 })], 100)).toEqual([])
  })

  it('finds more winners than may win, but for those that a failover made', () => {
    expect(violations([contend(0), contend(1)], 100)).toEqual([])
    expect(violations([contend(2)], 100)).toEqual([{ node: 1, what: 'a ticket: 2 where 1 may' }])
    expect(violations([contend(2, 500)], 100, [{ from: 400, to: 600 }])).toEqual([])
  })

  it('finds a session that the store lost, but for one that a failover lost', () => {
    const issue: Operation = { did: 'issue', node: 0, from: 0, to: 1, session: 'session' }
    const lost = check(5, { answer: 'not-found' })
    expect(violations([issue, lost], 100)).toEqual([{ node: 1, what: 'verify: session is lost' }])
    expect(violations([issue, lost], 100, [{ from: 1, to: 3 }])).toEqual([])
  })
})
