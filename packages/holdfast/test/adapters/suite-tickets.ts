/** The route that hands out tickets. */
import { expect, test } from 'vitest'
import { type Answered, Browser } from '../http/harness.ts'
import { type AdapterSetup, codeOf } from './suite-setup.ts'

const ticketOf = (answered: Answered) => String(answered.json().ticket)

export function ticketTests(at: AdapterSetup): void {
  const redeemAll = async (ticket: string) => {
    const redeemed = Array.from({ length: 64 }, () => at.world.holdfast.redeemTicket(ticket))
    return (await Promise.all(redeemed)).flatMap((verdict) => (verdict.status === 'live' ? [verdict.session.id] : []))
  }

  test('a ticket opens its own session once, of 64 callers that redeem it at the same time', async () => {
    const user = await at.signedIn()
    const answered = await user.post('/auth/ticket')
    expect(answered.status).toBe(201)
    expect(answered.headers['cache-control']).toBe('no-store')
    expect(await redeemAll(ticketOf(answered))).toEqual([(await user.get('/me')).json().id])
  })

  test('a visitor is given one too, by cookie or by header', async () => {
    const byCookie = await at.visitor('cookie')
    expect(await redeemAll(ticketOf(await byCookie.browser.post('/auth/ticket')))).toEqual([byCookie.id])
    const byHeader = await at.visitor('header')
    const answered = await new Browser(at.served.url).post('/auth/ticket', {}, { 'x-anon-session-token': byHeader.token })
    expect(await redeemAll(ticketOf(answered))).toEqual([byHeader.id])
  })

  test('nobody is given one without a session, nor a page without its CSRF token', async () => {
    expect(codeOf(await new Browser(at.served.url).post('/auth/ticket'))).toEqual([401, 'session-required'])
    const user = await at.signedIn()
    expect(codeOf(await user.post('/auth/ticket', {}, { 'x-csrf-token': undefined }))).toEqual([403, 'csrf-failed'])
    expect(codeOf(await user.post('/auth/ticket', {}, { origin: 'https://evil.example' }))).toEqual([403, 'csrf-failed'])
    const visitor = await at.visitor('header')
    const forged = { 'x-anon-session-token': `${visitor.token.slice(0, -4)}AAAA` }
    expect(codeOf(await new Browser(at.served.url).post('/auth/ticket', {}, forged))).toEqual([403, 'anonymous-token-invalid'])
  })

  test('64 that are asked for at the same time are 64 tickets', async () => {
    const user = await at.signedIn()
    const answers = await Promise.all(Array.from({ length: 64 }, () => user.post('/auth/ticket')))
    const given = answers.filter(({ status }) => status === 201).map(ticketOf)
    expect(new Set(given).size).toBe(given.length)
    // The rest was past the budget of the session.
    expect(answers.filter(({ status }) => status !== 201 && status !== 429)).toEqual([])
    expect(given.length).toBeGreaterThan(0)
  })
}
