/** What every account store does, whatever it is stored in. */
import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import type { Account } from '../../src/accounts/account.ts'
import type { AccountStore } from '../../src/accounts/store.ts'

let next = 0
export function account(changes: Partial<Account> = {}): Account {
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

/** `open`: two connections to one empty place, closed by whoever gave them. */
export function accountsContract(name: string, open: () => Promise<readonly [AccountStore, AccountStore]>): void {
  describe(`accounts in ${name}`, () => {
    it('come back as they were given', async () => {
      const [store, other] = await open()
      const given = account({ username: 'Zoë', email: 'Z@mail.test', role: 'admin', disabled: true })
      assert.equal(await store.create(given), 'created')
      assert.deepEqual(await other.get(given.id), given)
      assert.deepEqual(await store.find('zoe\u0308'), given)
      assert.deepEqual(await store.find('z@MAIL.test'), given)
      assert.equal(await store.get('nobody'), undefined)
      assert.equal(await store.find('nobody'), undefined)
    })

    it('are not found by text that no account can have, which is no fault', async () => {
      const [store] = await open()
      await store.create(account())
      for (const text of ['\0', 'a\0b', '\ud800']) {
        assert.equal(await store.get(text), undefined)
        assert.equal(await store.find(text), undefined)
        assert.equal((await store.change(text, { disabled: true })).outcome, 'not-found')
        assert.equal(await store.remove(text), 'not-found')
        assert.deepEqual((await store.list({ limit: 5, search: text })).items, [])
      }
    })

    it('free a name when its account goes or its address changes', async () => {
      const [store] = await open()
      const first = account({ email: 'a@mail.test' })
      await store.create(first)
      assert.equal(await store.create(account({ username: 'A@mail.test' })), 'username-taken')
      assert.equal(await store.create(account({ email: first.username })), 'email-taken')
      await store.change(first.id, { email: 'b@mail.test' })
      const second = account({ username: 'A@mail.test' })
      assert.equal(await store.create(second), 'created')
      assert.equal((await store.change(second.id, { email: 'B@mail.test' })).outcome, 'email-taken')
      assert.equal(await store.remove(first.id), 'removed')
      assert.equal(await store.create(account({ username: first.username, email: 'b@mail.test' })), 'created')
    })

    it('count a version up for role, disabling and password, and for nothing else', async () => {
      const [store] = await open()
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
      const [store] = await open()
      const one = account()
      await store.create(one)
      assert.equal(await store.rehash(one.id, 'another', 'new'), false)
      assert.equal(await store.rehash(one.id, one.passwordHash, 'new'), true)
      assert.equal(await store.rehash(one.id, one.passwordHash, 'newer'), false)
    })

    it('have one first administrator, and one owner of a name, of 64 callers on two connections', async () => {
      const stores = await open()
      const answers = async (make: (store: AccountStore) => ReturnType<AccountStore['create']>) =>
        Promise.all(Array.from({ length: 64 }, async (_, at) => make(stores[at % 2] ?? stores[0])))
      const first = await answers((store) => store.create(account({ role: 'admin' }), { asFirstAdministrator: true }))
      assert.deepEqual([...new Set(first)].sort(), ['administrator-exists', 'created'])
      assert.equal(first.filter((answer) => answer === 'created').length, 1)
      const named = await answers((store) => store.create(account({ username: 'wanted' })))
      assert.equal(named.filter((answer) => answer === 'created').length, 1)
      assert.equal(named.filter((answer) => answer === 'username-taken').length, 63)
    })

    it('keep the last enabled administrator, also when there are disabled ones', async () => {
      const [store] = await open()
      const [one, two] = [account({ role: 'admin' }), account({ role: 'admin', disabled: true })]
      await store.create(one)
      await store.create(two)
      assert.equal((await store.change(one.id, { role: 'user' })).outcome, 'last-administrator')
      assert.equal((await store.change(one.id, { disabled: true })).outcome, 'last-administrator')
      assert.equal(await store.remove(one.id), 'last-administrator')
      assert.equal((await store.change(two.id, { role: 'user' })).outcome, 'changed')
      assert.equal((await store.change(one.id, { email: 'a@mail.test', disabled: false, role: 'admin' })).outcome, 'changed')
    })

    it('keep one of two administrators who disable each other at once', async () => {
      const stores = await open()
      const pair = [account({ role: 'admin' }), account({ role: 'admin' })]
      for (const each of pair) await stores[0].create(each)
      const outcomes = await Promise.all(
        pair.map(async ({ id }, at) => (await stores[at]?.change(id, { disabled: true }))?.outcome),
      )
      assert.deepEqual(outcomes.sort(), ['changed', 'last-administrator'])
    })

    it('are paged by name without gaps or repeats, in the order of their names’ bytes', async () => {
      const [store] = await open()
      for (const username of ['_b', 'Äb', 'aB', 'B-1', 'b1', 'ö']) await store.create(account({ username }))
      for (let at = 0; at < 19; at += 1) await store.create(account())
      const seen: string[] = []
      let after: string | undefined
      do {
        const page = await store.list({ limit: 4, ...(after === undefined ? {} : { after }) })
        seen.push(...page.items.map(({ username }) => username.toLowerCase()))
        after = page.next
      } while (after !== undefined)
      assert.equal(new Set(seen).size, 25)
      assert.deepEqual(
        seen,
        seen.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
      )
    })

    it('keep one cursor for whoever holds it, which only moves forward', async () => {
      const [store, other] = await open()
      const claim = (holder: string, now: number) => ({ holder, now, until: now + 100, start: now })
      const claims = await Promise.all(
        Array.from({ length: 16 }, (_, at) => (at % 2 === 0 ? store : other).cursors.claim('a', claim(`h${at}`, 5))),
      )
      assert.deepEqual(
        claims.filter((place) => place !== undefined),
        [5],
      )
      const holder = `h${claims.indexOf(5)}`
      assert.equal(await other.cursors.claim('a', claim(holder, 50)), 5)
      assert.equal(await store.cursors.advance('a', holder, 9), true)
      assert.equal(await store.cursors.advance('a', holder, 7), true)
      assert.equal(await store.cursors.advance('a', 'other', 20), false)
      assert.equal(await other.cursors.claim('a', claim('other', 149)), undefined)
      assert.equal(await other.cursors.claim('a', claim('other', 150)), 9)
      assert.equal(await store.cursors.advance('a', holder, 20), false)
      await store.cursors.release('a', holder)
      assert.equal(await store.cursors.claim('a', claim(holder, 160)), undefined)
      await other.cursors.release('a', 'other')
      assert.equal(await store.cursors.claim('a', claim(holder, 160)), 9)
      assert.equal(await store.cursors.claim('b', claim('other', 3)), 3)
    })

    it('treat a name as text, whatever is in it', async () => {
      const [store] = await open()
      for (const username of ["'; DROP TABLE accounts; --", '%', '_', '\\', '"']) await store.create(account({ username }))
      assert.equal((await store.list({ limit: 10 })).items.length, 5)
      for (const search of ['%', '_', '\\']) assert.equal((await store.list({ limit: 10, search })).items.length, 1)
    })
  })
}
