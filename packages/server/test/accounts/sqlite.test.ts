import assert from 'node:assert/strict'
import { statSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { HoldfastError } from 'holdfast'
import { sqliteStore } from 'holdfast/store/sqlite'
import { afterEach, beforeEach, describe, it } from 'vitest'
import type { Account } from '../../src/accounts/account.ts'
import { sqliteAccounts } from '../../src/accounts/sqlite.ts'
import type { AccountStore } from '../../src/accounts/store.ts'
import { temporaryFolder } from '../harness.ts'

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

let next = 0
function account(changes: Partial<Account> = {}): Account {
  next += 1
  return {
    id: `id-${next}`,
    username: `user-${next}`,
    email: null,
    role: 'user',
    disabled: false,
    createdAt: 1_700_000_000_000,
    passwordHash: '$argon2id$x',
    passwordChangedAt: 1_700_000_000_000,
    version: 0,
    ...changes,
  }
}

describe('accounts in SQLite', () => {
  it('come back as they were given', async () => {
    const store = accounts()
    const given = account({ username: 'Zoë', email: 'Z@mail.test', role: 'admin', disabled: true })
    assert.equal(await store.create(given), 'created')
    assert.deepEqual(await store.get(given.id), given)
    assert.deepEqual(await store.find('zoe\u0308'), given)
    assert.deepEqual(await store.find('z@MAIL.test'), given)
    assert.equal(await store.get('nobody'), undefined)
    assert.equal(await store.find('nobody'), undefined)
  })

  it('free a name when its account goes or its address changes', async () => {
    const store = accounts()
    const first = account({ email: 'a@mail.test' })
    await store.create(first)
    assert.equal(await store.create(account({ username: 'A@mail.test' })), 'username-taken')
    await store.change(first.id, { email: 'b@mail.test' })
    assert.equal(await store.create(account({ username: 'A@mail.test' })), 'created')
    assert.equal(await store.remove(first.id), 'removed')
    assert.equal(await store.create(account({ username: first.username, email: 'b@mail.test' })), 'created')
  })

  it('count a version up for role, disabling and password, and for nothing else', async () => {
    const store = accounts()
    const { id } = account()
    await store.create(account({ id }))
    const version = async () => (await store.get(id))?.version
    await store.change(id, { email: 'x@mail.test' })
    await store.change(id, { disabled: false, role: 'user' })
    await store.rehash(id, '$argon2id$x', '$argon2id$y')
    assert.equal(await version(), 0)
    await store.change(id, { disabled: true })
    await store.change(id, { role: 'admin', disabled: false })
    await store.change(id, { password: { hash: 'z', changedAt: 5 } })
    assert.equal(await version(), 3)
    assert.equal((await store.change(id, { disabled: true, ifVersion: 2 })).outcome, 'version-differs')
    assert.equal((await store.get(id))?.disabled, false)
  })

  it('replace a hash only when it is still the one that was read', async () => {
    const store = accounts()
    const one = account()
    await store.create(one)
    assert.equal(await store.rehash(one.id, 'another', 'new'), false)
    assert.equal(await store.rehash(one.id, one.passwordHash, 'new'), true)
    assert.equal(await store.rehash(one.id, one.passwordHash, 'newer'), false)
  })

  it('have one first administrator of 64 callers on two connections', async () => {
    const stores = [accounts(), accounts()]
    const answers = await Promise.all(
      Array.from({ length: 64 }, (_, at) =>
        Promise.resolve().then(() => stores[at % 2]?.create(account({ role: 'admin' }), { asFirstAdministrator: true })),
      ),
    )
    assert.equal(answers.filter((answer) => answer === 'created').length, 1)
    assert.equal(answers.filter((answer) => answer === 'administrator-exists').length, 63)
  })

  it('keep the last enabled administrator, also when there are disabled ones', async () => {
    const store = accounts()
    const [one, two] = [account({ role: 'admin' }), account({ role: 'admin', disabled: true })]
    await store.create(one)
    await store.create(two)
    assert.equal((await store.change(one.id, { role: 'user' })).outcome, 'last-administrator')
    assert.equal((await store.change(one.id, { disabled: true })).outcome, 'last-administrator')
    assert.equal(await store.remove(one.id), 'last-administrator')
    assert.equal((await store.change(two.id, { role: 'user' })).outcome, 'changed')
    assert.equal((await store.change(one.id, { email: 'a@mail.test', disabled: false, role: 'admin' })).outcome, 'changed')
  })

  it('are paged by name without gaps or repeats', async () => {
    const store = accounts()
    for (let at = 0; at < 25; at += 1) await store.create(account())
    const seen: string[] = []
    let after: string | undefined
    do {
      const page = await store.list({ limit: 4, ...(after === undefined ? {} : { after }) })
      seen.push(...page.items.map(({ id }) => id))
      after = page.next
    } while (after !== undefined)
    assert.equal(new Set(seen).size, 25)
    assert.equal(seen.length, 25)
  })

  it('treat a name as text, whatever is in it', async () => {
    const store = accounts()
    for (const username of ["'; DROP TABLE accounts; --", '%', '_', '\\', '"']) await store.create(account({ username }))
    assert.equal((await store.list({ limit: 10 })).items.length, 5)
    for (const search of ['%', '_', '\\']) assert.equal((await store.list({ limit: 10, search })).items.length, 1)
  })

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
    assert.throws(() => sqliteAccounts(path), /schema version 99; this version of holdfast-server knows up to 1/)
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
