import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createHoldfast, type Holdfast } from 'holdfast'
import { sqliteStore } from 'holdfast/store/sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { RandomPool, systemRandom } from '../../packages/holdfast/src/engine/crypto.ts'
import { createKeyring } from '../../packages/holdfast/src/engine/keyring.ts'
import { createTokens } from '../../packages/holdfast/src/engine/token.ts'

const secret = 'k3Jq9vTz1mXw8RbY5nLd2HsG7pCf4Ua0'
const context = { ip: '127.0.0.1', userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0' }

let folder: string
let holdfast: Holdfast
let store: ReturnType<typeof sqliteStore>
let tokens: string[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-leak-'))
  store = sqliteStore(join(folder, 'holdfast.db'))
  holdfast = createHoldfast({ secret, store })
  const signedIn = await holdfast.issue({ subject: 'alice', attributes: { role: 'admin' }, context })
  const visitor = await holdfast.issueAnonymous({ context })
  const steppedUp = await holdfast.issue({ subject: 'bob', context })
  const elevated = await holdfast.elevate(steppedUp.session.id, { amr: ['pwd'], context })
  tokens = [signedIn.token, visitor.token, steppedUp.token, elevated?.token ?? '']
})

afterEach(async () => {
  await holdfast.close()
  await store[Symbol.asyncDispose]?.()
  await rm(folder, { recursive: true, force: true })
})

/** Every cell of every table, as text and as the bytes it may stand for. */
function cellsOf(file: string): string[] {
  const database = new DatabaseSync(file, { readOnly: true })
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all()
  const cells = tables.flatMap(({ name }) =>
    database
      .prepare(`SELECT * FROM "${String(name)}"`)
      .all()
      .flatMap((row) => Object.values(row)),
  )
  database.close()
  return cells.flatMap((cell) => {
    if (cell instanceof Uint8Array) return [Buffer.from(cell).toString('base64url'), Buffer.from(cell).toString('latin1')]
    return cell === null ? [] : String(cell).split(/[^A-Za-z0-9_-]+/)
  })
}

function padded(cell: string, encoding: BufferEncoding): Buffer {
  const bytes = Buffer.alloc(32)
  Buffer.from(cell, encoding).copy(bytes)
  return bytes
}

/** Builds tokens as the source code does, tag included, with a secret of the attacker's choice. */
function forger(signingSecret: string): (id: string, presented: Buffer) => string {
  let chosen: Buffer = Buffer.alloc(32)
  const random = new RandomPool(systemRandom)
  random.take = (target, offset, length) => target.set(chosen.subarray(0, length), offset)
  const mint = createTokens(createKeyring([signingSecret]), random)
  return (id, presented) => {
    chosen = presented
    return mint.mint({ kind: 'session', id, generation: 0 }).token
  }
}

describe('whoever holds the database and the source', () => {
  it('finds no part of a token in any file of it', async () => {
    const files = (await readdir(folder)).map((name) => join(folder, name))
    const bytes = Buffer.concat(await Promise.all(files.map((file) => readFile(file))))
    expect(bytes.length).toBeGreaterThan(10_000)
    for (const token of tokens) {
      expect(await holdfast.verify(token, context)).toMatchObject({ status: 'live' })
      const secretBytes = Buffer.from(token.slice(token.indexOf('_') + 1), 'base64url').subarray(30, 62)
      expect(bytes.includes(secretBytes)).toBe(false)
      for (let at = 45; at + 16 <= token.length; at += 1) expect(bytes.includes(token.slice(at, at + 16))).toBe(false)
    }
  })

  it.each([
    ['without the signing secret', 'an attacker has to make up a secret of their own'],
    ['and the signing secret too', secret],
  ])('%s, opens no session with anything that stands in it', async (_, signedWith) => {
    const cells = [...new Set(cellsOf(join(folder, 'holdfast.db')))].filter((cell) => cell !== '')
    const ids = cells.filter((cell) => /^[A-Za-z0-9_-]{24}$/.test(cell))
    expect(ids.length).toBeGreaterThanOrEqual(3)
    const forge = forger(signedWith)
    let tried = 0
    for (const id of ids) {
      for (const cell of cells) {
        for (const guess of [padded(cell, 'base64url'), padded(cell, 'latin1')]) {
          tried += 1
          const verdict = await holdfast.verify(forge(id, guess), context, { fresh: true })
          expect(verdict.status).toBe('dead')
        }
      }
    }
    for (const cell of cells) expect((await holdfast.verify(cell, context)).status).toBe('dead')
    expect(tried).toBeGreaterThan(100)
    // The forger is a real one: with the secret that only the client holds, and the right key, it opens the session.
    const held = Buffer.from(tokens[0]?.slice(4) ?? '', 'base64url')
    const opened = await holdfast.verify(forge(held.subarray(3, 21).toString('base64url'), held.subarray(30, 62)), context)
    expect(opened.status).toBe(signedWith === secret ? 'live' : 'dead')
  })
})

it('whoever holds the signing secret alone opens no session', async () => {
  const { items } = await holdfast.list()
  const mint = createTokens(createKeyring([secret]), new RandomPool(systemRandom))
  for (const { id } of items) {
    expect((await holdfast.verify(mint.mint({ kind: 'session', id, generation: 0 }).token, context)).status).toBe('dead')
  }
  const made = mint.mint({ kind: 'session', id: mint.newId('alice'), generation: 0 }).token
  expect(await holdfast.verify(made, context)).toEqual({ status: 'dead', reason: 'not-found' })
})
