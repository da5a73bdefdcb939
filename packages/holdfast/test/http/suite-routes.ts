/** The routes that the library mounts, as any of its targets answers them. */
import { expect, test } from 'vitest'
import type { Browser } from './harness.ts'
import { expectProblem, required, revoked, type Setup } from './suite-setup.ts'

export function routeTests(at: Setup): void {
  test('GET session tells its own session and the CSRF token, and 401 without one', async () => {
    const alice = await at.signedIn()
    const answered = await alice.get(at.route('/session'))
    expect(answered.status).toBe(200)
    expect(answered.headers['cache-control']).toBe('no-store')
    expect(answered.json()).toMatchObject({
      session: { subject: 'alice', current: true, createdAt: expect.stringMatching(/^\d{4}-.*Z$/) },
      csrfToken: alice.csrfCookie?.[1],
    })
    expect(answered.text).not.toContain(at.tokenOf(alice))
    expect(answered.text).not.toContain('hf1_')
    expectProblem(await at.browser.get(at.route('/session')), required)
  })

  test('GET session gives back a CSRF cookie that was lost or is another session’s, and only then', async () => {
    const [alice, other] = [await at.signedIn(), await at.signedIn('mallory')]
    const [name, own] = alice.csrfCookie ?? ['', '']
    expect((await alice.get(at.route('/session'))).setCookies).toEqual([])
    for (const wrong of [undefined, other.csrfCookie?.[1]]) {
      if (wrong === undefined) alice.cookies.delete(name)
      else alice.cookies.set(name, wrong)
      expectProblem(await alice.send(at.target.change), { status: 403, code: 'csrf-failed' })
      const answered = await alice.get(at.route('/session'))
      expect(answered.setCookies).toHaveLength(1)
      expect(alice.csrfCookie).toEqual([name, own])
      expect((await alice.send(at.target.change)).status).toBeLessThan(300)
    }
    const bearer = await at.browser.get(at.route('/session'), { authorization: `Bearer ${at.tokenOf(alice)}` })
    expect([bearer.status, bearer.setCookies]).toEqual([200, []])
  })

  test('a person sees their own sessions only, page by page, and can end one or all others', async () => {
    const [first, second, third] = [await at.signedIn(), await at.signedIn(), await at.signedIn()]
    const mallory = await at.signedIn('mallory')
    const page = (await first.get(`${at.route('/sessions')}?limit=2`)).json() as { items: { id: string }[]; next?: string }
    expect(page.items).toHaveLength(2)
    const rest = (await first.get(`${at.route('/sessions')}?limit=2&cursor=${page.next}`)).json() as typeof page
    expect(rest.next).toBeUndefined()
    const items = [...page.items, ...rest.items] as { id: string; current: boolean; subject: string }[]
    expect(items.map(({ subject }) => subject)).toEqual(['alice', 'alice', 'alice'])
    expect(items.filter(({ current }) => current)).toHaveLength(1)

    const own = async (one: Browser) => ((await one.get(at.route('/session'))).json() as { session: { id: string } }).session.id
    const ended = await first.send({ method: 'DELETE', path: `${at.route('/sessions')}/${await own(second)}` })
    expect(ended.status).toBe(204)
    expectProblem(await second.get(at.target.guarded), revoked)
    expect((await first.send({ method: 'DELETE', path: at.route('/sessions') })).status).toBe(204)
    expectProblem(await third.get(at.target.guarded), revoked)
    expect((await first.get(at.target.guarded)).status).toBe(200)
    expect((await mallory.get(at.target.guarded)).status).toBe(200)
  })

  test("somebody else's session and one that never was get the same answer", async () => {
    const [alice, mallory] = [await at.signedIn(), await at.signedIn('mallory')]
    const { session } = (await alice.get(at.route('/session'))).json() as { session: { id: string } }
    const remove = (id: string) => mallory.send({ method: 'DELETE', path: `${at.route('/sessions')}/${id}` })
    const [theirs, nobody, malformed] = [await remove(session.id), await remove('A'.repeat(24)), await remove('..%2f')]
    for (const answered of [theirs, nobody, malformed]) expectProblem(answered, { status: 404, code: 'not-found' })
    expect(theirs.text).toBe(nobody.text)
    expect((await alice.get(at.target.guarded)).status).toBe(200)
  })

  test('ending the own session by id signs out', async () => {
    const alice = await at.signedIn()
    const { session } = (await alice.get(at.route('/session'))).json() as { session: { id: string } }
    expect((await alice.send({ method: 'DELETE', path: `${at.route('/sessions')}/${session.id}` })).status).toBe(204)
    expect(alice.sessionCookie).toBeUndefined()
  })

  test.each([
    ...['limit=0', 'limit=201', 'limit=x', 'limit=', 'limit=-1', 'cursor=x', 'cursor='],
    ...['limit=1&limit=2', 'cursor=a&cursor=a', 'user=mallory', '__proto__=1', 'constructor=1'],
  ])('a list asked for with %s is refused, naming the field', async (query) => {
    const alice = await at.signedIn()
    const answered = await alice.get(`${at.route('/sessions')}?${query}`)
    expectProblem(answered, { status: 400, code: 'invalid-request' })
    expect(answered.json().errors).toEqual([{ field: query.split('=')[0], message: expect.any(String) }])
  })

  test('HEAD answers as GET without a body; other methods are told what is allowed', async () => {
    const alice = await at.signedIn()
    const head = await alice.send({ method: 'HEAD', path: at.route('/session') })
    expect([head.status, head.text]).toEqual([200, ''])
    const options = await alice.send({ method: 'OPTIONS', path: at.route('/sessions') })
    expect([options.status, options.headers.allow]).toEqual([204, 'GET, DELETE, HEAD, OPTIONS'])
    const wrong = await alice.send({ method: 'PUT', path: at.route('/sessions') })
    expectProblem(wrong, { status: 405, code: 'method-not-allowed' })
    expect(wrong.headers.allow).toBe('GET, DELETE, HEAD, OPTIONS')
  })

  test('an expired session says so, and its cookie is not renewed', async () => {
    const alice = await at.signedIn()
    at.target.advance(13 * 3_600_000)
    const answered = await alice.get(at.target.guarded)
    expectProblem(answered, { status: 401, code: 'session-expired' })
    expect(answered.setCookies).toEqual([])
  })
}
