import { describe, expect, it } from 'vitest'
import { createEventTrail } from '../../src/defence/event-trail.ts'
import type { SecurityEvent } from '../../src/engine/events.ts'
import type { EventLog } from '../../src/store/event-log.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { fakeClock } from '../../src/testing/index.ts'
import { must, secret, settle } from '../engine/support/start.ts'

const nothing = { session: null, subject: null, actor: null, object: null, reason: null, outcome: null }

function event(at: number): SecurityEvent {
  return { ...nothing, schema: 1, at, kind: 'session_created', ip: '192.0.2.1' }
}

function open(log: EventLog, given: { capacity?: number; mostPerMinute: number }) {
  const clock = fakeClock()
  return { clock, trail: createEventTrail({ log, secrets: [secret], clock, ...given }) }
}

describe('a flood of events that anyone may raise', () => {
  const flooded = [
    'session_token_invalid',
    'session_check_unavailable',
    'api_key_missing',
    'api_key_malformed',
    'api_key_unknown',
    'setup_refused',
  ] as const

  it.each(flooded)(
    'records so many of a flood of %s in a minute, says how many more there were, and begins anew',
    async (kind) => {
      const log = memoryStore().eventLog
      const { trail, clock } = open(log, { mostPerMinute: 3 })
      for (let at = 1; at <= 10; at += 1) trail.record({ ...event(at), kind })
      for (let at = 11; at <= 15; at += 1) trail.record(event(at))
      await trail.flush()
      const kinds = async () => (await log.read({ limit: 99 })).map((found) => found.kind)
      expect(await kinds()).toEqual([...Array(3).fill(kind), ...Array(5).fill('session_created')])
      clock.advance(60_000)
      trail.record({ ...event(60_001), kind })
      await trail.flush()
      const [told, next] = await log.read({ after: 8, limit: 99 })
      expect(told).toMatchObject({ kind: 'events_lost', data: { object: kind, outcome: '7', reason: 'flood' } })
      expect(must(next).kind).toBe(kind)
      expect(trail.lost).toBe(7)
      clock.advance(60_000)
      await trail.flush()
      expect(await kinds()).toHaveLength(10)
      expect(await trail.verify()).toMatchObject({ whole: true, events: 10 })
    },
  )

  it('keeps a budget for each kind, so that no flood hides another', async () => {
    const log = memoryStore().eventLog
    const { trail } = open(log, { mostPerMinute: 2 })
    for (const kind of flooded) for (let at = 1; at <= 5; at += 1) trail.record({ ...event(at), kind })
    await trail.flush()
    expect((await log.read({ limit: 99 })).map((found) => found.kind)).toEqual(flooded.flatMap((kind) => [kind, kind]))
  })

  it('says what it held back of a flood when it is closed, and when there was no room for saying so', async () => {
    const log = memoryStore().eventLog
    const closed = open(log, { mostPerMinute: 1 }).trail
    for (let at = 1; at <= 5; at += 1) closed.record({ ...event(at), kind: 'api_key_missing' })
    await closed.close()
    expect(must((await log.read({ after: 1, limit: 9 }))[0])).toMatchObject({ kind: 'events_lost', data: { outcome: '4' } })
    const { trail, clock } = open(log, { mostPerMinute: 1, capacity: 1 })
    for (let at = 1; at <= 3; at += 1) trail.record({ ...event(at), kind: 'api_key_missing' })
    clock.advance(60_000)
    await trail.flush()
    await settle()
    await trail.flush()
    expect(must((await log.read({ after: 3, limit: 9 })).at(-1))).toMatchObject({ kind: 'events_lost', data: { outcome: '2' } })
  })
})
