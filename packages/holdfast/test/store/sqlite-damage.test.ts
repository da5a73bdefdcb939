import { closeSync, openSync, truncateSync, writeSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { inspectSqlite, sqliteStore } from '../../src/store/sqlite.ts'
import type { Store } from '../../src/store/store.ts'
import { fullSample, sample, sampleId } from '../../src/testing/contract/check.ts'
import { useDatabaseFile } from './sqlite-file.ts'

const file = useDatabaseFile()

describe('a damaged record', () => {
  async function damaged(change: (data: Record<string, unknown>) => void): Promise<Store> {
    const store = file.open()
    await store.insert(fullSample(1))
    const database = file.raw()
    const data = JSON.parse(String(database.prepare('SELECT data FROM holdfast_sessions').get()?.data))
    change(data)
    database.prepare('UPDATE holdfast_sessions SET data = ?').run(JSON.stringify(data))
    return store
  }

  const fields = Object.keys(fullSample(1)).filter(
    (field) =>
      !/^(id|subject|createdAt|seenAt|idleExpiresAt|absoluteExpiresAt|lastIp|revokedAt|reason|revision|epoch)$/.test(field),
  )

  /** Absent in rows from before there was such a thing. */
  const younger = ['grant']

  it.each(fields)('is a fault when %s is missing or of another type', async (field) => {
    const changes = [
      (data: Record<string, unknown>) => delete data[field],
      (data: Record<string, unknown>) => {
        data[field] = [{}]
      },
    ]
    for (const change of younger.includes(field) ? changes.slice(1) : changes) {
      await file.renew()
      const store = await damaged(change)
      expect(() => store.get(sampleId(1))).toThrow(`damaged: ${field}`)
      expect(() => store.list({ limit: 1 })).toThrow('damaged')
      expect(() => store.replace(sample(1), 0)).toThrow('damaged')
    }
  })

  it('is a fault when a key that binds it is gone', async () => {
    const store = await damaged((data) => {
      data.binding = { fingerprint: null, deviceKey: null }
    })
    expect(() => store.get(sampleId(1))).toThrow('damaged: binding')
  })

  it('is a fault for a reason that nobody knows, and names no content', async () => {
    const store = file.open()
    await store.insert(fullSample(1))
    file.raw().exec(`UPDATE holdfast_sessions SET revoked_at = 1, reason = 'whim'`)
    expect(() => store.get(sampleId(1))).toThrow(/^the stored session \S{24} is damaged: reason$/)
  })

  it('never turns into a bare or unbound one, whichever byte of it flips', async () => {
    const store = file.open()
    await store.insert(fullSample(1))
    const database = file.raw()
    const text = String(database.prepare('SELECT data FROM holdfast_sessions').get()?.data)
    const write = database.prepare('UPDATE holdfast_sessions SET data = CAST(? AS TEXT)')
    const keys = Object.keys(fullSample(1))
    let faults = 0
    for (let at = 0; at < Buffer.byteLength(text); at += 1) {
      const bytes = Buffer.from(text)
      bytes[at] = (bytes[at] ?? 0) ^ 1
      write.run(bytes)
      try {
        const record = await store.get(sampleId(1))
        expect(Object.keys(record ?? {})).toEqual(keys)
        expect(
          [record?.binding.jkt, record?.binding.deviceKey, record?.binding.fingerprint].every((key) => typeof key === 'string'),
        ).toBe(true)
      } catch (fault) {
        if (!(fault instanceof Error && fault.message.includes('damaged'))) throw fault
        faults += 1
      }
    }
    expect(faults).toBeGreaterThan(200)
  })

  it('is a fault when pages of the file are torn', async () => {
    const store = sqliteStore(file.path)
    for (let number = 0; number < 200; number += 1) await store.insert(sample(number))
    await store[Symbol.asyncDispose]?.()
    const descriptor = openSync(file.path, 'r+')
    for (let page = 20; page < 40; page += 1) writeSync(descriptor, Buffer.alloc(4096, 0xa5), 0, 4096, page * 4096)
    closeSync(descriptor)
    expect(inspectSqlite(file.path).integrity).not.toBe('ok')
    const torn = file.open()
    const outcomes = Array.from({ length: 200 }, (_, number) => {
      try {
        return torn.get(sampleId(number)) === undefined ? 'gone' : 'read'
      } catch {
        return 'fault'
      }
    })
    expect(outcomes).toContain('fault')
    expect(outcomes).not.toContain('gone')
    truncateSync(file.path, 4096 * 3)
    expect(() => file.open().get(sampleId(1))).toThrow()
  })
})

describe('a rolling upgrade', () => {
  it('keeps fields that this release does not know', async () => {
    const store = file.open()
    await store.insert(sample(1))
    const database = file.raw()
    database.exec(`UPDATE holdfast_sessions SET data = json_set(data, '$.novel', json('{"deep":[1]}'), '$.subject', 'x')`)
    expect(await store.get(sampleId(1))).toEqual(sample(1))
    expect(await store.replace(sample(1, { label: 'new' }), 0)).toBe(true)
    const data = JSON.parse(String(database.prepare('SELECT data FROM holdfast_sessions').get()?.data))
    expect([data.novel, data.label, data.subject]).toEqual([{ deep: [1] }, 'new', undefined])
    expect(await store.get(sampleId(1))).toEqual(sample(1, { label: 'new', revision: 1 }))
  })
})
