/** One-time tickets. */
import assert from 'node:assert/strict'
import type { Ticket } from '../../store/tickets.ts'
import { awkwardAttributes, type Checks, callers, parallel, start } from './check.ts'

const ticket: Ticket = { id: 'ticket', expiresAt: start + 1000, data: awkwardAttributes }

export const ticketChecks: Checks = {
  'gives a ticket back once, whole': async ({ store, other }) => {
    assert.equal(await store.tickets.put(ticket), true)
    assert.deepEqual(await other.tickets.take('ticket', start), ticket)
    assert.equal(await store.tickets.take('ticket', start), undefined)
  },
  'keeps the first ticket of an id, even when it has expired': async ({ store, other }) => {
    await store.tickets.put({ ...ticket, expiresAt: start, data: 'first' })
    assert.equal(await other.tickets.put({ ...ticket, data: 'second' }), false)
    assert.equal(await store.tickets.take('ticket', start), undefined)
    assert.equal(await store.tickets.put({ ...ticket, data: 'third' }), true)
  },
  'lets one of many parallel callers put': async ({ store, all }) => {
    const put = await parallel(all, callers, (each, caller) => each.tickets.put({ ...ticket, data: caller }))
    assert.equal(put.filter(Boolean).length, 1)
    assert.equal((await store.tickets.take('ticket', start))?.data, put.indexOf(true))
  },
  'lets one of many parallel callers take': async ({ store, all }) => {
    await store.tickets.put(ticket)
    const taken = await parallel(all, callers, (each) => each.tickets.take('ticket', start))
    assert.equal(taken.filter((found) => found !== undefined).length, 1)
  },
  'gives no expired ticket, and removes it': async ({ store }) => {
    await store.tickets.put(ticket)
    assert.equal(await store.tickets.take('ticket', ticket.expiresAt), undefined)
    assert.equal(await store.tickets.take('ticket', start), undefined)
  },
  'sweeps expired tickets up to the limit': async ({ store }) => {
    for (let number = 0; number < 5; number += 1)
      await store.tickets.put({ ...ticket, id: `t${number}`, expiresAt: start + number })
    assert.deepEqual([await store.tickets.sweep(start + 2, 2), await store.tickets.sweep(start + 2, 2)], [2, 1])
    assert.equal((await store.tickets.take('t3', start))?.id, 't3')
  },
}
