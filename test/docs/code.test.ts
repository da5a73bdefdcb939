/** Programs in the pages are programs: each is one of `examples`, which run in their own test, or it compiles. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, inject, it } from 'vitest'
import { compile } from '../support/compile.ts'
import { codeBlocks, pages, readPage } from '../support/markdown.ts'
import { root } from '../support/workspace.ts'

const folder = join(root, 'examples')
const examples = readdirSync(folder)
  .filter((file) => file.endsWith('.ts'))
  .map((file) => readFileSync(join(folder, file), 'utf8').trim())
const packages = [
  '@types/node',
  'express',
  '@types/express',
  'fastify',
  'hono',
  '@hono/node-server',
  'openid-client',
  'oauth4webapi',
  'jose',
  'vitest',
]

/** A block that imports something is a whole program; others are fragments of one. */
const programs = pages().flatMap((page) =>
  codeBlocks(readPage(page), 'ts')
    .filter((code) => /^import /m.test(code))
    .map((code, at) => ({ page, number: at + 1, code })),
)

describe('programs in the pages', () => {
  it('are found at all, the first of the README among them', () => {
    expect(programs.map(({ page }) => page)).toContain('README.md')
  })

  it.each(programs)('$page, program $number, is an example or compiles', async ({ code }) => {
    if (examples.includes(code.trim())) return
    const compiled = await compile(inject('consumer'), code, { packages, skipLibCheck: true })
    expect(compiled).toEqual({ ok: true, output: '', why: '' })
  })
})
