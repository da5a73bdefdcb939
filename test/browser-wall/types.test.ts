/** The type wall: in the client's project neither the engine nor Node exists. */
import { cp, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Ended, run } from '../../scripts/checks/run.ts'
import { library, root } from '../support/workspace.ts'

let folder: string
let project: string

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'holdfast-types-')))
  project = join(folder, 'packages/holdfast')
  await cp(library, project, { recursive: true, filter: (path) => !/\/(?:node_modules|dist|test)$/.test(path) })
  await cp(join(root, 'tsconfig.base.json'), join(folder, 'tsconfig.base.json'))
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
})

afterAll(() => rm(folder, { recursive: true, force: true }))

/** Compiles the client's project with one more file in it. */
async function compileWith(code: string): Promise<Ended> {
  const file = join(project, 'src/client/leak.ts')
  await writeFile(file, code)
  try {
    return await run('tsc', ['-b', 'tsconfig.client.json'], { cwd: project })
  } finally {
    await rm(file)
  }
}

describe('a client file', () => {
  it('compiles when it imports what is shared', async () => {
    const code = "import { csrfHeader } from '../shared/names.ts'\nexport const name: string = csrfHeader\n"
    expect(await compileWith(code)).toEqual({ ok: true, output: '', why: '' })
  })

  it.each([
    ['the engine', "export { createEngine } from '../engine/engine.ts'\n", 'TS6307'],
    ['a store', "export { memoryStore } from '../store/memory.ts'\n", 'TS6307'],
    ['node:crypto', "import { createHash } from 'node:crypto'\nexport const hash: unknown = createHash\n", 'TS2591'],
    ['a global of Node', 'export const home: unknown = process.env.HOME\n', 'TS2591'],
  ])('does not compile when it uses %s', async (_what, code, error) => {
    const ended = await compileWith(code)
    expect(ended.ok).toBe(false)
    expect(ended.output).toContain(error)
  })
})
