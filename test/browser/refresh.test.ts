/** Two tabs of one browser refresh at once, and one answer is lost on its way: both go on. */
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type App, startApp } from './app.ts'
import { launch } from './chromium.ts'

let browser: Browser
let app: App

beforeAll(async () => {
  browser = await launch()
  app = await startApp()
})
afterAll(async () => {
  await browser.close()
  await app.close()
})

/**
 * What a client does: asks, and asks again once when no answer came, unless the browser has done that by itself.
 * Resolves to whom the access token signs in.
 */
function refresh(page: Page): Promise<string | null> {
  return page.evaluate(async () => {
    const csrf = /csrf_token=([^;]+)/.exec(document.cookie)?.[1] ?? ''
    const ask = () => fetch('/auth/refresh', { method: 'POST', headers: { 'X-CSRF-Token': csrf } })
    const { access_token: token } = await (await ask().catch(ask)).json()
    const me = await fetch('/me', { headers: { Authorization: `Bearer ${token}` } })
    return ((await me.json()) as { subject: string | null }).subject
  })
}

it('keeps both tabs signed in', async () => {
  const first = await (await browser.newContext()).newPage()
  await first.goto(app.url)
  expect(await first.evaluate(async () => (await fetch('/tokens', { method: 'POST' })).status)).toBe(200)
  const second = await first.context().newPage()
  await second.goto(app.url)

  app.dropNextRefresh()
  const outcomes = await Promise.all([refresh(first), refresh(second)])
  expect(outcomes).toEqual(['alice', 'alice'])
  const refreshes = () => app.asked.filter((what) => what === '/auth/refresh with a cookie').length
  expect(refreshes()).toBe(3)

  // The cookie that is left is the newest: the family lives on.
  for (const page of [first, second]) expect(await refresh(page)).toBe('alice')
  expect(refreshes()).toBe(5)
  expect((await app.holdfast.list({ subject: 'alice' })).items).toHaveLength(1)
})
