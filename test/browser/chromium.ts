/** The Chromium of the system, without a profile and without a word to anybody but the test. */
import { globSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'

const quiet = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** A registrable domain of its own, which is this machine. */
export const foreignHost = 'evil.example'

export async function launch(): Promise<Browser> {
  const [executablePath] = (process.env.PATH ?? '').split(delimiter).flatMap((folder) => globSync(join(folder, 'chromium')))
  if (executablePath === undefined) throw new Error('there is no chromium in PATH')
  return chromium.launch({ executablePath, args: [...quiet, `--host-resolver-rules=MAP ${foreignHost} 127.0.0.1`] })
}

/** A page of its own person: cookies are shared by the pages of one context alone. */
export async function personAt(browser: Browser, url: string): Promise<Page> {
  const context: BrowserContext = await browser.newContext()
  const page = await context.newPage()
  await page.goto(url)
  return page
}
