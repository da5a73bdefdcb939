/** The chain of events where it lives: several processes that append at once, and processes that are killed doing so. */
import { DatabaseSync } from 'node:sqlite'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type PostgresServer, startPostgres } from '../../../../../test/services/postgres.ts'
import { type RedisServer, startRedis } from '../../../../../test/services/redis.ts'
import { createEventTrail } from '../../../src/defence/event-trail.ts'
import type { EventLog } from '../../../src/store/event-log.ts'
import { must } from '../../engine/support/start.ts'
import { type Folder, temporaryFolder } from '../../store/folder.ts'
import { namedEvent, openLog, type Place, trailSecret } from './place.ts'
import { startRecorder } from './processes.ts'

let folder: Folder
let postgres: PostgresServer
let redis: RedisServer
beforeAll(async () => {
  folder = temporaryFolder()
  ;[postgres, redis] = await Promise.all([startPostgres(), startRedis()])
})
afterAll(async () => {
  await Promise.all([postgres.close(), redis.stop()])
  folder.remove()
})

const backends = [
  { name: 'SQLite', place: (name: string): Place => ({ kind: 'sqlite', path: folder.file(`${name}.db`) }) },
  {
    name: 'PostgreSQL',
    place: (name: string): Place => ({ kind: 'postgres', connection: { ...postgres.connection }, schema: name }),
  },
  { name: 'Redis', place: (name: string): Place => ({ kind: 'redis', url: redis.url, prefix: `${name}:` }) },
] as const

async function withLog<T>(place: Place, run: (log: EventLog) => Promise<T>): Promise<T> {
  const { log, close } = await openLog(place)
  try {
    return await run(log)
  } finally {
    await close()
  }
}

async function namesIn(log: EventLog): Promise<string[]> {
  const names: string[] = []
  for (let after = 0; ; ) {
    const events = await log.read({ after, limit: 1000 })
    names.push(...events.map(({ data }) => String(data.object)))
    if (events.length < 1000) return names
    after = must(events.at(-1)).sequence
  }
}

const trailOf = (log: EventLog) => createEventTrail({ log, secrets: [trailSecret] })

describe.each(backends)('the chain on $name', ({ place }) => {
  it('is one and whole when four processes append at once, and holds each event once', async () => {
    const at = place('many')
    await withLog(at, async (log) => {
      const recorders = await Promise.all([1, 2, 3, 4].map(() => startRecorder(at)))
      try {
        for (const [number, recorder] of recorders.entries()) recorder.order({ do: 'record', name: `p${number}`, count: 100 })
        await Promise.all(recorders.map((recorder) => recorder.told('done', 1)))
      } finally {
        for (const recorder of recorders) await recorder.kill()
      }
      expect(await trailOf(log).verify()).toMatchObject({ whole: true, events: 400 })
      const names = await namesIn(log)
      expect(names.toSorted()).toEqual(recorders.flatMap(({ appended }) => appended).toSorted())
      expect(new Set(names).size).toBe(400)
      const order = names.filter((name) => name.startsWith('p0-'))
      expect(order).toEqual(Array.from({ length: 100 }, (_, number) => `p0-${number}`))
    })
  })

  it('is whole after each kill in the middle, and holds all that was told to be appended', async () => {
    const at = place('killed')
    await withLog(at, async (log) => {
      const recorders = await Promise.all([0, 1, 2].map(() => startRecorder(at)))
      let head: { readonly sequence: number; readonly hash: string } | undefined
      try {
        for (const [number, recorder] of recorders.entries()) recorder.order({ do: 'churn', name: `p${number}` })
        for (const [number, recorder] of recorders.entries()) {
          await recorder.told('appended', 2 + 3 * number)
          await recorder.kill()
          const verdict = await trailOf(log).verify(head)
          expect(verdict).toMatchObject({ whole: true })
          if (verdict.whole) head = verdict.head
        }
      } finally {
        for (const recorder of recorders) await recorder.kill()
      }
      const names = await namesIn(log)
      const found = new Set(names)
      expect(found.size).toBe(names.length)
      expect(recorders.flatMap(({ appended }) => appended).filter((name) => !found.has(name))).toEqual([])
    })
  })
})

/** Runs one statement on the table of the events, as who has the database but not the secret does. */
async function tamper(at: Place, sql: string): Promise<void> {
  if (at.kind === 'sqlite') {
    const database = new DatabaseSync(at.path)
    database.exec(sql)
    database.close()
  }
  if (at.kind === 'postgres') {
    const client = new pg.Client({ ...at.connection, options: `-c search_path=${at.schema}` })
    await client.connect()
    await client.query(sql)
    await client.end()
  }
}

describe.each(backends.slice(0, 2))('who changes the table in $name', ({ place }) => {
  const last = '(SELECT max(sequence) FROM holdfast_events)'
  it.each([
    ['cuts the newest off', `DELETE FROM holdfast_events WHERE sequence = ${last}`, 'end-missing'],
    ['takes the oldest', 'DELETE FROM holdfast_events WHERE sequence = 1', 'beginning-missing'],
    ['takes one out', 'DELETE FROM holdfast_events WHERE sequence = 3', 'missing'],
    ['moves a time', 'UPDATE holdfast_events SET at = at + 1 WHERE sequence = 2', 'changed'],
    ['renames a kind', "UPDATE holdfast_events SET kind = 'session_revoked' WHERE sequence = 5", 'changed'],
    ['swaps two', 'UPDATE holdfast_events SET sequence = CASE sequence WHEN 2 THEN -3 ELSE -2 END WHERE sequence IN (2, 3)', ''],
  ])('and %s is found out', async (what, sql, problem) => {
    const at = place(`tampered_${what.replaceAll(' ', '_')}`)
    await withLog(at, async (log) => {
      const trail = trailOf(log)
      for (let number = 0; number < 6; number += 1) trail.record(namedEvent(`e${number}`))
      await trail.flush()
      const whole = await trail.verify()
      const head = must(whole.whole ? whole.head : undefined)
      await tamper(at, sql)
      if (problem === '') await tamper(at, 'UPDATE holdfast_events SET sequence = -sequence WHERE sequence < 0')
      expect(await trail.verify(head)).toMatchObject({ whole: false, problem: problem || 'changed' })
    })
  })
})

/** Each text or number that differs from this one in one bit of one character. */
function changesOf(value: string | number): (string | number)[] {
  const text = String(value)
  return [...text].map((character, at) => {
    const changed = text.slice(0, at) + String.fromCharCode(character.charCodeAt(0) ^ 1) + text.slice(at + 1)
    return typeof value === 'number' ? Number(changed) : changed
  })
}

describe('a log in SQLite', () => {
  it('is told from every one in which a single byte is another', async () => {
    const at = backends[0].place('bytes')
    await withLog(at, async (log) => {
      const trail = trailOf(log)
      for (let number = 0; number < 3; number += 1) trail.record(namedEvent(`e${number}`))
      await trail.flush()
      const database = new DatabaseSync(at.kind === 'sqlite' ? at.path : '')
      const row = must(database.prepare('SELECT at, kind, data, hash, previous FROM holdfast_events WHERE sequence = 2').get())
      let changes = 0
      for (const [column, value] of Object.entries(row) as [string, string | number][]) {
        const set = database.prepare(`UPDATE holdfast_events SET ${column} = ? WHERE sequence = 2`)
        for (const changed of changesOf(value)) {
          set.run(changed)
          changes += 1
          const told = await trail.verify().catch((fault: unknown) => fault)
          expect(told, `${column}: ${changed}`).not.toMatchObject({ whole: true })
        }
        set.run(value)
      }
      expect(changes).toBeGreaterThan(100)
      expect(await trail.verify()).toMatchObject({ whole: true, events: 3 })
      database.close()
    })
  })
})
