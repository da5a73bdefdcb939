/** Where things are in the repository, and what the library's manifest promises. */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

export const root: string = dirname(dirname(import.meta.dirname))
export const library: string = join(root, 'packages/holdfast')

export type Conditions = Readonly<Record<string, string>>

interface Manifest {
  readonly exports: Readonly<Record<string, string | Conditions>>
  readonly dependencies?: Readonly<Record<string, string>>
}

export const manifest: Manifest = JSON.parse(readFileSync(join(library, 'package.json'), 'utf8')) as Manifest

/** Subpaths that are modules, as keys of `exports`: `.`, `./store/memory`, … */
export const modules: readonly (readonly [subpath: string, conditions: Conditions])[] = Object.entries(manifest.exports).flatMap(
  ([subpath, target]) => (typeof target === 'string' ? [] : [[subpath, target] as const]),
)

/** The name under which a user imports a subpath: `holdfast`, `holdfast/store/memory`, … */
export function specifierOf(subpath: string): string {
  return subpath === '.' ? 'holdfast' : `holdfast${subpath.slice(1)}`
}
