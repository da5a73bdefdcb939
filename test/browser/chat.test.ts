/** The chat example in real Chromium: visitors, signing in, and sessions that end while a page looks on. */
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { Examples } from '../support/examples.ts'
import { launch, personAt } from './chromium.ts'

let browser: Browser
let url: string
const examples = new Examples()

beforeAll(async () => {
  browser = await launch()
  url = await examples.start('chat/main')
})
afterAll(async () => {
  await browser.close()
  await examples.end()
})
afterEach(async () => {
  for (const context of browser.contexts()) await context.close()
})

async function say(page: Page, text: string): Promise<void> {
  await page.fill('#text', text)
  await page.press('#text', 'Enter')
  await page.locator('.echo:not(.growing)', { hasText: text }).waitFor()
}

async function signIn(page: Page, username: string, password: string): Promise<void> {
  await page.click('#sign-in')
  await page.fill('[name=username]', username)
  await page.fill('[name=password]', password)
  await page.click('dialog [type=submit]')
  await page.locator('#identity', { hasText: username }).waitFor()
}

const alice = ['alice', 'correct horse battery staple'] as const
const olga = ['olga', 'a quiet harbour at dawn'] as const

async function sessionCookie(context: BrowserContext): Promise<string | undefined> {
  return (await context.cookies()).find(({ name }) => name === 'session')?.value
}

const bubbles = (page: Page) => page.locator('#log .you, #log .echo').allTextContents()

describe('the chat page', () => {
  it('stores nothing for a visitor who says nothing, and answers one who does in every tab', async () => {
    const page = await personAt(browser, url)
    await page.locator('#identity', { hasText: 'No session yet' }).waitFor()
    expect(await page.context().cookies()).toEqual([])
    await say(page, 'hello from a visitor')
    await page.locator('#identity', { hasText: 'Visitor' }).waitFor()
    expect(await sessionCookie(page.context())).toMatch(/^hfa1_/)
    expect(await page.evaluate('document.cookie')).not.toContain('hfa1_')
    // By EventSource, from the first message on.
    const tab = await page.context().newPage()
    await tab.goto(url)
    await tab.locator('.echo', { hasText: 'hello from a visitor' }).waitFor()
    await say(tab, 'and from the other tab')
    await page.locator('.echo', { hasText: 'and from the other tab' }).waitFor()
    expect(await bubbles(page)).toEqual(await bubbles(tab))
  })

  it('carries the conversation over to the account, and the visitor’s token is dead', async () => {
    const page = await personAt(browser, url)
    await say(page, 'said before signing in')
    const before = await sessionCookie(page.context())
    await signIn(page, ...alice)
    await page.locator('.echo', { hasText: 'said before signing in' }).waitFor()
    const after = await sessionCookie(page.context())
    expect([before?.slice(0, 5), after?.slice(0, 5)]).toEqual(['hfa1_', `hf1_${after?.slice(4, 5)}`])
    const replayed = await fetch(`${url}/events`, { headers: { cookie: `session=${before}` } })
    expect(replayed.status).toBe(403)
    await say(page, 'said after it')
    expect(await bubbles(page)).toHaveLength(4)
  })

  it('tells at once that an operator ended the session, and takes what was said off the screen', async () => {
    const page = await personAt(browser, url)
    await signIn(page, ...alice)
    await say(page, 'something private')
    const operator = await personAt(browser, url)
    await signIn(operator, ...olga)
    await operator.getByRole('button', { name: 'End the session of alice' }).click()
    await page.locator('#notice', { hasText: 'An operator ended your session.' }).waitFor()
    expect(await bubbles(page)).toEqual([])
    expect(await page.isDisabled('#text')).toBe(true)
    await page.getByRole('button', { name: 'Start anew' }).click()
    await say(page, 'a new session')
    expect(await bubbles(operator)).toEqual([])
  })

  it('closes the socket of another program with 4401 when an operator ends its session', async () => {
    const operator = await personAt(browser, url)
    await signIn(operator, ...olga)
    const answer = await fetch(`${url}/converse`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text: 'hello' }),
    })
    const token = answer.headers.get('x-anon-session-token') ?? ''
    await answer.text()
    const socket = new WebSocket(`${url.replace('http', 'ws')}/presence`, { headers: { 'x-anon-session-token': token } })
    const closed = new Promise((resolve) => socket.on('close', (code, reason) => resolve([code, String(reason)])))
    await operator.getByRole('button', { name: /End the session of Visitor/ }).click()
    expect(await closed).toEqual([4401, 'admin'])
  })

  it('lets a page without cookies go on by its header alone', async () => {
    const page = await personAt(browser, url)
    const outcome = await page.evaluate(async () => {
      const say = (text: string, headers: Record<string, string>) =>
        fetch('/converse', {
          method: 'POST',
          credentials: 'omit',
          headers: { 'Content-Type': 'application/json', ...headers },
          body: JSON.stringify({ text }),
        })
      const first = await say('one', {})
      const told = /event: session_token\ndata: (.*)/.exec(await first.text())?.[1] ?? '{}'
      const { token, resumed } = JSON.parse(told) as { token: string; resumed: boolean }
      const second = await (await say('two', { 'X-Anon-Session-Token': token })).text()
      const forged = await say('three', { 'X-Anon-Session-Token': `${token.slice(0, -4)}AAAA` })
      return { resumed, goesOn: second.includes('"resumed":true') && second.includes('"number":3'), forged: forged.status }
    })
    expect(outcome).toEqual({ resumed: false, goesOn: true, forged: 403 })
    expect(await page.context().cookies()).toEqual([])
  })

  it('works within its own content security policy, without an error', async () => {
    const page = await personAt(browser, 'about:blank')
    const errors: string[] = []
    page.on('pageerror', (error) => errors.push(error.message))
    page.on('console', (message) => message.text().includes('Content Security Policy') && errors.push(message.text()))
    await page.goto(url)
    await say(page, '<img src=x onerror=alert(1)>')
    expect(await page.locator('#log img').count()).toBe(0)
    expect(errors).toEqual([])
  })
})
