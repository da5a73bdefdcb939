import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { ChangeListeners } from '../../src/store/changes.ts'
import { Connection } from '../../src/store/sqlite-connection.ts'
import { migrations } from '../../src/store/sqlite-schema.ts'
import { SqliteSessions } from '../../src/store/sqlite-sessions.ts'
import { fullSample, sample } from '../../src/testing/contract/check.ts'

/** A database as Node 22.13 has it: its statements give rows as objects only. */
function olderDatabase(): DatabaseSync {
  const database = new DatabaseSync(':memory:')
  const older = {
    exec: (sql: string) => database.exec(sql),
    close: () => database.close(),
    prepare: (sql: string) => {
      const statement = database.prepare(sql)
      const methods = ['get', 'all', 'iterate', 'run'] as const
      return Object.fromEntries(methods.map((name) => [name, statement[name].bind(statement)])) as Partial<StatementSync>
    },
  }
  return older as unknown as DatabaseSync
}

describe('a connection on an older Node', () => {
  it('reads rows from objects as it reads them from arrays elsewhere', () => {
    const database = olderDatabase()
    for (const step of migrations) database.exec(step)
    const sessions = new SqliteSessions(new Connection(database), new ChangeListeners())
    const cap = { max: 1, now: 0, whenFull: 'evict-oldest' } as const
    sessions.insert(fullSample(1), cap)
    expect(sessions.get(fullSample(1).id)).toEqual(fullSample(1))
    expect(sessions.insert(sample(2), cap).evicted).toEqual([fullSample(1).id])
    const evicted = { ...fullSample(1), revokedAt: 0, reason: 'evicted' }
    expect(sessions.list({ limit: 5 })).toEqual({ items: [sample(2), evicted] })
    expect(sessions.replace(sample(2, { label: 'new' }), 0)).toBe(true)
    expect(sessions.revoke({ subject: 'alice' }, { at: 1, reason: 'logout' }).ids).toEqual([sample(2).id])
    database.close()
  })
})
