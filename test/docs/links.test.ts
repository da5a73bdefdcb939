/** Links between pages lead somewhere. */
import { existsSync } from 'node:fs'
import { posix } from 'node:path'
import { describe, expect, it } from 'vitest'
import { anchors, ownLinks, pages, readPage } from '../support/markdown.ts'
import { root } from '../support/workspace.ts'

function problemOf(page: string, link: string): string | undefined {
  const [path = '', anchor] = link.split('#')
  const target = path === '' ? page : posix.join(posix.dirname(page), path)
  if (!existsSync(posix.join(root, target))) return `${link}: there is no ${target}`
  if (anchor === undefined || !target.endsWith('.md')) return undefined
  return anchors(readPage(target)).has(anchor) ? undefined : `${link}: no such heading in ${target}`
}

describe.each(pages())('the links of %s', (page) => {
  it('lead to files and headings that exist', () => {
    expect(ownLinks(readPage(page)).flatMap((link) => problemOf(page, link) ?? [])).toEqual([])
  })
})

describe('the pages under docs', () => {
  it('are all reached from docs/index.md', () => {
    const reached = new Set<string>()
    const pending = ['docs/index.md']
    for (let page = pending.pop(); page !== undefined; page = pending.pop()) {
      if (reached.has(page) || !page.endsWith('.md') || !existsSync(posix.join(root, page))) continue
      reached.add(page)
      for (const link of ownLinks(readPage(page))) {
        const [path = ''] = link.split('#')
        if (path !== '') pending.push(posix.join(posix.dirname(page), path))
      }
    }
    expect(pages().filter((page) => page.startsWith('docs/') && !reached.has(page))).toEqual([])
  })
})
