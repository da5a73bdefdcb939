/** What a power failure leaves of a log in SQLite: its newest pages half written, or written in part. */
import { readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEventTrail } from '../../../src/defence/event-trail.ts'
import { type Folder, temporaryFolder } from '../../store/folder.ts'
import { namedEvent, openLog, trailSecret } from './place.ts'

let folder: Folder
beforeAll(() => {
  folder = temporaryFolder()
})
afterAll(() => folder.remove())

const batches = 3
const perBatch = 20

interface Files {
  readonly database: Buffer
  readonly wal: Buffer
}

/** The files of a log of three batches, as they are while its process runs. */
async function written(name: string): Promise<Files> {
  const path = folder.file(`${name}.db`)
  const { log, close } = await openLog({ kind: 'sqlite', path })
  const trail = createEventTrail({ log, secrets: [trailSecret] })
  for (let at = 0; at < batches * perBatch; at += 1) {
    trail.record(namedEvent(`e${at}`))
    if (at % perBatch === perBatch - 1) await trail.flush()
  }
  const files = { database: readFileSync(path), wal: readFileSync(`${path}-wal`) }
  await close()
  return files
}

/** How many events a process finds that starts with these files; the chain must be whole, and go on. */
async function found({ database, wal }: Files, name: string): Promise<number> {
  const path = folder.file(`${name}.db`)
  writeFileSync(path, database)
  writeFileSync(`${path}-wal`, wal)
  const { log, close } = await openLog({ kind: 'sqlite', path })
  try {
    const trail = createEventTrail({ log, secrets: [trailSecret] })
    const verdict = await trail.verify()
    expect(verdict, name).toMatchObject({ whole: true })
    const events = verdict.whole ? verdict.events : -1
    const names = (await log.read({ limit: 1000 })).map(({ data }) => data.object)
    expect(names).toEqual(Array.from({ length: events }, (_, at) => `e${at}`))
    trail.record(namedEvent('after'))
    await trail.flush()
    expect(await trail.verify()).toMatchObject({ whole: true, events: events + 1 })
    return events
  } finally {
    await close()
  }
}

describe('a log in SQLite whose end was torn off', () => {
  const cuts = 24

  it('holds whole batches only, those before the tear, and goes on behind them', async () => {
    const files = await written('cut')
    const counts: number[] = []
    for (let cut = 0; cut <= cuts; cut += 1) {
      const length = Math.floor((files.wal.length * cut) / cuts)
      counts.push(await found({ ...files, wal: files.wal.subarray(0, length) }, `cut-${cut}`))
    }
    expect(new Set(counts)).toEqual(new Set([0, perBatch, 2 * perBatch, 3 * perBatch]))
    expect(counts).toEqual(counts.toSorted((a, b) => a - b))
  })

  it('holds no batch of which a byte was never written', async () => {
    const files = await written('holed')
    for (const back of [1, 500, 2000]) {
      const wal = Buffer.from(files.wal)
      wal[wal.length - back] = (files.wal[files.wal.length - back] ?? 0) ^ 0xff
      expect(await found({ ...files, wal }, `hole-${back}`)).toBe(2 * perBatch)
    }
  })
})
