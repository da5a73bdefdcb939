/** Pages of other sites and other origins, in real Chromium: they open neither a stream nor a socket of ours. */
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type App, emptyPage, startApp } from './app.ts'
import { foreignHost, launch } from './chromium.ts'

let browser: Browser
let app: App
let foreign: { port: number; close: () => Promise<void> }

beforeAll(async () => {
  browser = await launch()
  app = await startApp()
  foreign = await emptyPage()
})
afterAll(async () => {
  await browser.close()
  await app.close()
  await foreign.close()
})

/** A page in a browser that is signed in to the app. */
async function pageAt(address: string): Promise<Page> {
  const page = await (await browser.newContext()).newPage()
  await page.goto(app.url)
  expect(await page.evaluate(async () => (await fetch('/login', { method: 'POST' })).status)).toBe(204)
  await page.goto(address)
  app.opened.length = 0
  app.asked.length = 0
  return page
}

/** What a script of this page gets from the app: by EventSource, by fetch, and by WebSocket. */
function attempt(page: Page): Promise<readonly string[]> {
  return page.evaluate(async (url) => {
    const byEvents = new Promise<string>((resolve) => {
      const events = new EventSource(`${url}/stream`, { withCredentials: true })
      events.onmessage = ({ data }) => resolve(data)
      events.onerror = () => resolve('nothing')
    })
    // Without CORS nothing is read, but the request is made, with the cookies of the site.
    const byFetch = fetch(`${url}/stream`, { credentials: 'include', mode: 'no-cors' }).then(
      ({ status }) => String(status),
      () => 'nothing',
    )
    const bySocket = new Promise<string>((resolve) => {
      const socket = new WebSocket(url.replace('http', 'ws'))
      socket.onmessage = ({ data }) => resolve(data)
      socket.onclose = () => resolve('nothing')
    })
    return Promise.all([byEvents, byFetch, bySocket])
  }, app.url)
}

describe('a page', () => {
  it('of our own opens streams and sockets', async () => {
    const page = await pageAt(app.url)
    expect(await attempt(page)).toEqual(['hello', '200', 'hello'])
    expect(app.opened.sort()).toEqual(['socket', 'stream', 'stream'])
  })

  it('of another site opens none', async () => {
    const page = await pageAt(`http://${foreignHost}:${foreign.port}`)
    expect((await attempt(page)).filter((said) => said === 'hello')).toEqual([])
    expect([app.asked.length, app.opened]).toEqual([3, []])
  })

  it('of another origin on our own host opens none, although the cookies come along', async () => {
    const page = await pageAt(`http://127.0.0.1:${foreign.port}`)
    expect((await attempt(page)).filter((said) => said === 'hello')).toEqual([])
    expect([app.asked.sort(), app.opened]).toEqual([
      ['/stream with a cookie', '/stream with a cookie', 'a socket with a cookie'],
      [],
    ])
  })
})
