/** The packed library in an empty project: it runs on every supported Node that is here, and its types hold. */
import { accessSync, constants } from 'node:fs'
import { copyFile, readFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { describe, expect, inject, it } from 'vitest'
import { run } from '../../scripts/checks/run.ts'
import { compile } from '../support/compile.ts'
import { modules, specifierOf } from '../support/workspace.ts'

const consumer = inject('consumer')
const specifiers = modules.map(([subpath]) => specifierOf(subpath))

/** Node programs of this machine that the library supports: the repository's own and what PATH has. */
async function supportedNodes(): Promise<Map<string, string>> {
  const found = new Map([[process.version, process.execPath]])
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const program = join(folder, 'node')
    try {
      accessSync(program, constants.X_OK)
    } catch {
      continue
    }
    const version = (await run(program, ['--version'])).output.trim()
    const [major = 0, minor = 0] = version.slice(1).split('.').map(Number)
    if (major > 22 || (major === 22 && minor >= 13)) found.set(version, program)
  }
  return found
}

const nodes = await supportedNodes()

describe.each([...nodes])('on Node %s the packed library', (_version, node) => {
  it.each(specifiers)('loads as %s', async (specifier) => {
    // Express and Fastify are not installed there: an adapter must not need them to load.
    const loaded = await run(node, ['--input-type=module', '--eval', `await import('${specifier}')`], { cwd: consumer })
    expect(loaded).toEqual({ ok: true, output: expect.not.stringMatching(/^\w*Error/m), why: '' })
  })

  it('loads through require as well', async () => {
    const loaded = await run(node, ['--eval', "process.stdout.write(typeof require('holdfast').createHoldfast)"], {
      cwd: consumer,
    })
    expect(loaded.output).toContain('function')
  })

  it('issues, verifies and revokes a session', async () => {
    await copyFile(join(import.meta.dirname, 'samples/session.js'), join(consumer, 'session.js'))
    const told = await run(node, ['session.js'], { cwd: consumer })
    expect(told).toEqual({ ok: true, output: 'live alice\ndead logout\ndead invalid\n', why: '' })
  })

  it('refuses the files behind its entries', async () => {
    const inner = "await import('holdfast/dist/engine/crypto.js').catch((error) => console.log(error.code))"
    const loaded = await run(node, ['--input-type=module', '--eval', inner], { cwd: consumer })
    expect(loaded.output.trim()).toBe('ERR_PACKAGE_PATH_NOT_EXPORTED')
  })
})

const nodeTypes = ['@types/node']
const frameworks = ['@types/node', 'express', '@types/express', 'fastify', 'hono']

describe.each([
  ['NodeNext', 'NodeNext'],
  ['ESNext', 'bundler'],
])('for a TypeScript project of module %s and resolution %s', (module, moduleResolution) => {
  const project = { module, moduleResolution }
  const sample = (name: string) => readFile(join(import.meta.dirname, 'samples', name), 'utf8')
  const clean = { ok: true, output: '', why: '' }

  it('the types of the server entries hold, declarations included', async () => {
    expect(await compile(consumer, await sample('server.ts'), { ...project, packages: nodeTypes })).toEqual(clean)
  })

  it('the types of the adapters hold beside their frameworks', async () => {
    const options = { ...project, packages: frameworks, skipLibCheck: true }
    expect(await compile(consumer, await sample('adapters.ts'), options)).toEqual(clean)
  })

  it('what an app registers types its sessions, in every adapter', async () => {
    const options = { ...project, packages: frameworks, skipLibCheck: true }
    expect(await compile(consumer, await sample('registered.ts'), options)).toEqual(clean)
  })

  it('the types of the client entry hold without the types of Node', async () => {
    expect(await compile(consumer, await sample('client.ts'), { ...project, packages: [] })).toEqual(clean)
  })

  it('an option of the wrong type is an error', async () => {
    const wrong = "import { createHoldfast } from 'holdfast'\ncreateHoldfast({ secret: 7 })\n"
    const compiled = await compile(consumer, wrong, { ...project, packages: nodeTypes })
    expect(compiled.output).toMatch(/sample\.ts\(2,\d+\): error TS\d+/)
  })
})

it('takes no type from node:crypto that newer types of Node do not have', async () => {
  const declared = await readFile(join(consumer, 'node_modules/holdfast/dist/engine/crypto.d.ts'), 'utf8')
  // `JsonWebKey` is gone from there in @types/node 25: an app without skipLibCheck did not compile.
  expect(/import \{([^}]*)\} from 'node:crypto'/.exec(declared)?.[1]?.trim()).toBe('KeyObject')
})
