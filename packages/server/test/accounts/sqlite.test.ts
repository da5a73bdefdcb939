import assert from 'node:assert/strict'
import { statSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { HoldfastError } from 'holdfast'
import { sqliteStore } from 'holdfast/store/sqlite'
import { afterEach, beforeEach, describe, it } from 'vitest'
import { sqliteAccounts } from '../../src/accounts/sqlite.ts'
import type { AccountStore } from '../../src/accounts/store.ts'
import { temporaryFolder } from '../harness.ts'
import { account, accountsContract } from './contract.ts'

let folder = ''
let path = ''
const open: AccountStore[] = []
beforeEach(async () => {
  folder = await temporaryFolder()
  path = join(folder, 'accounts.db')
})
afterEach(async () => {
  for (const store of open.splice(0)) await store.close()
  await rm(folder, { recursive: true, force: true })
})

function accounts(): AccountStore {
  const store = sqliteAccounts(path)
  open.push(store)
  return store
}

accountsContract('SQLite', async () => [accounts(), accounts()])

describe('accounts in SQLite', () => {
  it('share a file with the session store, in either order', async () => {
    const first = accounts()
    await first.create(account({ username: 'kept' }))
    const sessions = sqliteStore(path)
    await sessions[Symbol.asyncDispose]?.()
    assert.ok(await accounts().find('kept'))
    const other = join(folder, 'other.db')
    await sqliteStore(other)[Symbol.asyncDispose]?.()
    const second = sqliteAccounts(other)
    open.push(second)
    assert.equal(await second.create(account()), 'created')
  })

  it('are readable by their owner only', async () => {
    await accounts().create(account())
    assert.equal(statSync(path).mode & 0o777, 0o600)
    assert.equal(statSync(`${path}-wal`).mode & 0o777, 0o600)
  })

  it('of a newer version are refused and left alone', () => {
    void accounts().close()
    const database = new DatabaseSync(path)
    database.exec('UPDATE account_schema SET version = 99')
    assert.throws(() => sqliteAccounts(path), /schema version 99; this version of holdfast-server knows up to 2/)
    assert.equal(database.prepare('SELECT version FROM account_schema').get()?.version, 99)
    database.close()
  })

  it('that are no database are refused', () => {
    writeFileSync(path, 'this is text, and long enough to be looked at as a page of a database')
    assert.throws(() => sqliteAccounts(path))
  })

  it('are "cannot tell" while another connection holds the lock, and whole afterwards', async () => {
    const store = accounts()
    const one = account()
    await store.create(one)
    const other = new DatabaseSync(path)
    other.exec('BEGIN IMMEDIATE')
    const isUnavailable = (fault: unknown) => fault instanceof HoldfastError && fault.code === 'store-unavailable'
    assert.throws(() => store.change(one.id, { disabled: true }), isUnavailable)
    assert.throws(() => store.create(account()), isUnavailable)
    assert.deepEqual(await store.get(one.id), one)
    other.exec('ROLLBACK')
    other.close()
    assert.equal((await store.change(one.id, { disabled: true })).outcome, 'changed')
  })

  it('are "cannot tell" when the disk is full, and whole when it is not any more', async () => {
    const store = accounts()
    const one = account({ role: 'admin' })
    await store.create(one)
    // The limit belongs to a connection: this reaches the store's own through a full file.
    const big = 'x'.repeat(3000)
    const limited = new DatabaseSync(path)
    const { page_count: pages } = limited.prepare('PRAGMA page_count').get() ?? {}
    limited.exec(`PRAGMA max_page_count = ${Number(pages)}`)
    assert.throws(() => limited.prepare('UPDATE accounts SET password_hash = ?').run(big), /full/)
    limited.close()
    assert.deepEqual(await store.get(one.id), one)
    assert.equal((await store.change(one.id, { email: 'a@mail.test' })).outcome, 'changed')
  })

  it('with a damaged row are a fault, never default values', async () => {
    const store = accounts()
    const one = account()
    await store.create(one)
    const database = new DatabaseSync(path)
    database.exec('PRAGMA ignore_check_constraints = ON')
    database.exec("UPDATE accounts SET role = 'emperor'")
    database.close()
    assert.throws(
      () => store.get(one.id),
      (fault: unknown) => fault instanceof HoldfastError && fault.code === 'store-unavailable',
    )
  })
})
