/** The public surface: every subpath is a file, every public file has a subpath, and no name comes or goes unseen. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, inject, it } from 'vitest'
import { library, manifest, modules, specifierOf } from '../support/workspace.ts'

const installed = join(inject('consumer'), 'node_modules/holdfast')
const frozenFile = join(import.meta.dirname, 'export-names.json')
const frozen = JSON.parse(readFileSync(frozenFile, 'utf8')) as Readonly<Record<string, readonly string[]>>

/** Entries that browser code may reach; every other one is walled off. */
const browserEntries: ReadonlySet<string> = new Set(['./client', './react'])
const serverConditions = ['@holdfast/source', 'types', 'workerd', 'browser', 'default']
const browserConditions = ['@holdfast/source', 'types', 'default']

function namesOf(path: string): Promise<string[]> {
  return import(pathToFileURL(path).href).then((module: object) => Object.keys(module).sort())
}

describe.each(modules)('the entry %s', (subpath, conditions) => {
  it('has the same path as its source', () => {
    const path = subpath === '.' ? 'index' : subpath.slice(2)
    expect([`./src/${path}.ts`, `./src/${path}/index.ts`, `./src/${path}/index.tsx`]).toContain(conditions['@holdfast/source'])
  })

  it('leads to the build of that source, and browsers to server-only unless it is meant for them', () => {
    const source = conditions['@holdfast/source'] ?? ''
    const built = source.replace('./src/', './dist/').replace(/\.tsx?$/, '')
    const isForBrowsers = browserEntries.has(subpath)
    expect(Object.keys(conditions)).toEqual(isForBrowsers ? browserConditions : serverConditions)
    expect(conditions.types).toBe(`${built}.d.ts`)
    expect(conditions.default).toBe(`${built}.js`)
    if (isForBrowsers) return
    expect(conditions.workerd).toBe(conditions.default)
    expect(conditions.browser).toBe('./dist/server-only.js')
  })

  it('leads to files that the archive holds', () => {
    expect(Object.values(conditions).filter((file) => !existsSync(join(installed, file)))).toEqual([])
  })

  it('exports exactly the names in export-names.json', async () => {
    expect(await namesOf(join(installed, conditions.default ?? ''))).toEqual(frozen[specifierOf(subpath)])
  })
})

describe('the exports of the package', () => {
  const subpaths = new Set(modules.map(([subpath]) => subpath))
  const names = (folder: string) =>
    readdirSync(join(library, 'src', folder)).flatMap((file) => (/\.tsx?$/.test(file) ? [file.replace(/\.tsx?$/, '')] : []))

  it('freeze names for these entries only', () => {
    expect(Object.keys(frozen).sort()).toEqual(modules.map(([subpath]) => specifierOf(subpath)).sort())
  })

  it('name every adapter', () => {
    expect(names('adapters').filter((name) => !subpaths.has(`./adapters/${name}`))).toEqual([])
  })

  it('name every store', async () => {
    const built = names('store').map(async (name) => {
      const made = (await namesOf(join(library, 'dist/store', `${name}.js`))).some((found) => /^[a-z]\w*Store$/.test(found))
      return made && !subpaths.has(`./store/${name}`) ? [name] : []
    })
    expect((await Promise.all(built)).flat()).toEqual([])
  })

  it('name every folder with an index', () => {
    const folders = readdirSync(join(library, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory())
    const indexed = folders.filter(({ name }) => names(name).includes('index'))
    expect(indexed.map(({ name }) => `./${name}`).filter((subpath) => !subpaths.has(subpath))).toEqual([])
  })

  it('have the manifest among them', () => {
    expect(manifest.exports['./package.json']).toBe('./package.json')
  })
})

describe('the archive', () => {
  const files = readdirSync(installed, { recursive: true }).map(String)

  it('brings no runtime dependency', () => {
    expect(manifest.dependencies ?? {}).toEqual({})
    expect(readdirSync(join(inject('consumer'), 'node_modules')).filter((name) => !name.startsWith('.'))).toEqual(['holdfast'])
  })

  it('holds build, source and manifest, and nothing of the workshop', () => {
    const allowed = /^(?:(?:dist|src)(?:\/.*)?|package\.json|README\.md|LICENSE|CHANGELOG\.md)$/
    expect(files.filter((file) => !allowed.test(file) || /tsbuildinfo|\.test\./.test(file))).toEqual([])
  })

  it('holds no output whose source is gone', () => {
    const outputs = files.filter((file) => file.startsWith('dist/') && file.endsWith('.js'))
    const orphans = outputs.filter((file) => !existsSync(join(library, 'src', file.slice(5).replace(/\.js$/, '.ts'))))
    expect(outputs.length).toBeGreaterThan(30)
    expect(orphans).toEqual([])
  })
})
