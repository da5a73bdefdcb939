/** Rewrites the list of exported names that the package tests hold the build to. Run it when a change of the list is meant. */
import { readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'

const root = dirname(import.meta.dirname)
const library = join(root, 'packages/holdfast')
const list = join(root, 'test/package/export-names.json')

const { exports } = JSON.parse(await readFile(join(library, 'package.json'), 'utf8')) as {
  exports: Readonly<Record<string, string | { readonly default: string }>>
}
const frozen: Record<string, string[]> = {}
for (const [subpath, target] of Object.entries(exports)) {
  if (typeof target === 'string') continue
  const module = (await import(pathToFileURL(join(library, target.default)).href)) as object
  frozen[subpath.replace('.', 'holdfast')] = Object.keys(module).sort()
}
await writeFile(list, `${JSON.stringify(frozen, null, 2)}\n`)
