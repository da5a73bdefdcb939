/** The export wall: a browser build that imports a server entry stops, or throws advice; the client entry builds. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { build, type Rollup } from 'vite'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import frozen from '../package/export-names.json' with { type: 'json' }
import { modules, specifierOf } from '../support/workspace.ts'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(inject('consumer'), 'browser-'))
})

afterAll(() => rm(folder, { recursive: true, force: true }))

/** Builds a page's script as Vite does for production; resolves to its code. */
async function bundle(code: string): Promise<string> {
  await writeFile(join(folder, 'page.js'), code)
  const output = await build({
    root: folder,
    configFile: false,
    logLevel: 'silent',
    build: { write: false, minify: false, rollupOptions: { input: join(folder, 'page.js') } },
  })
  return (Array.isArray(output) ? output : [output])
    .flatMap((result) => (result as Rollup.RollupOutput).output)
    .map((chunk) => (chunk.type === 'chunk' ? chunk.code : ''))
    .join('\n')
}

const serverEntries = modules.filter(([, conditions]) => 'browser' in conditions).map(([subpath]) => specifierOf(subpath))

describe.each(serverEntries)('a browser build that imports %s', (specifier) => {
  it('fails and points to server-only', async () => {
    const name = (frozen as Readonly<Record<string, readonly string[]>>)[specifier]?.[0]
    const built = bundle(`import { ${name} } from '${specifier}'\nconsole.log(${name})\n`)
    await expect(built).rejects.toThrow(new RegExp(`"${name}" is not exported by ".*server-only\\.js"`))
  })
})

describe('a browser build that gets past the missing names', () => {
  it.each([
    ['by a namespace import', "import * as holdfast from 'holdfast'\nconsole.log(Object.keys(holdfast))\n"],
    ['by an import for effect', "import 'holdfast'\n"],
    ['by a dynamic import', "import('holdfast').then(console.log)\n"],
  ])('%s throws advice when it runs, and holds no server code', async (_how, code) => {
    const built = await bundle(code)
    expect(built).toContain('holdfast/client')
    expect(built).toMatch(/throw new Error\(/)
    expect(built).not.toMatch(/createHmac|node:crypto|timingSafeEqual/)
  })
})

describe('a browser build that imports the client entry', () => {
  it('succeeds', async () => {
    const built = await bundle("import { csrfHeader } from 'holdfast/client'\ndocument.title = csrfHeader\n")
    expect(built).toContain('x-csrf-token')
  })
})
