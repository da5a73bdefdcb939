/** Imports run one way: a lower layer does not know the ones above it. */
import { posix } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runtimeSpecifiersOf, sourceFiles, specifiersOf } from '../support/source.ts'
import { library } from '../support/workspace.ts'

/** Which layers each layer may import, besides itself. A file belongs to the first layer whose pattern it matches. */
const layers: readonly { readonly name: string; readonly files: RegExp; readonly mayImport: readonly string[] }[] = [
  { name: 'shared', files: /^shared\//, mayImport: [] },
  { name: 'contracts', files: /^store\/(?:store|tickets|counters|denylist|api-keys|event-log|turn)\.ts$/, mayImport: ['shared'] },
  { name: 'stores', files: /^store\//, mayImport: ['shared', 'contracts'] },
  { name: 'engine', files: /^engine\//, mayImport: ['shared', 'contracts'] },
  { name: 'defence', files: /^defence\//, mayImport: ['shared', 'contracts', 'engine'] },
  { name: 'http', files: /^http\//, mayImport: ['shared', 'contracts', 'engine', 'defence'] },
  { name: 'denylist', files: /^denylist\.ts$/, mayImport: ['defence', 'http'] },
  { name: 'root', files: /^(?:holdfast|index)\.ts$/, mayImport: ['shared', 'contracts', 'engine', 'defence', 'http'] },
  {
    name: 'carriers',
    files: /^(?:adapters|proxy|mcp|pop)\//,
    mayImport: ['shared', 'contracts', 'engine', 'defence', 'http', 'root'],
  },
  { name: 'client', files: /^client\//, mayImport: ['shared'] },
  { name: 'react', files: /^react\//, mayImport: ['shared', 'client'] },
  { name: 'testing', files: /^testing\//, mayImport: ['shared', 'contracts', 'engine'] },
  { name: 'server-only', files: /^server-only\.ts$/, mayImport: [] },
]

function layerOf(path: string): (typeof layers)[number] | undefined {
  return layers.find(({ files }) => files.test(path))
}

const files = sourceFiles(`${library}/src`)
const edges = files.flatMap(({ path, text }) => specifiersOf(text).map((specifier) => ({ path, specifier })))
const relativeEdges = edges.filter(({ specifier }) => specifier.startsWith('.'))

describe('the imports of the library', () => {
  it('are found at all', () => {
    expect(files.length).toBeGreaterThan(30)
    expect(relativeEdges.length).toBeGreaterThan(files.length)
  })

  it('come from files that each belong to a layer', () => {
    expect(files.map(({ path }) => path).filter((path) => layerOf(path) === undefined)).toEqual([])
  })

  it('run one way between the layers', () => {
    const wrong = relativeEdges.flatMap(({ path, specifier }) => {
      const target = posix.join(posix.dirname(path), specifier)
      const from = layerOf(path)
      const to = layerOf(target)
      const isAllowed = to !== undefined && (from === to || from?.mayImport.includes(to.name) === true)
      return isAllowed ? [] : [`${path} (${from?.name}) imports ${target} (${to?.name ?? 'no layer'})`]
    })
    expect(wrong).toEqual([])
  })

  it('make no cycle at run time', () => {
    const graph = new Map(
      files.map(({ path, text }) => {
        const targets = runtimeSpecifiersOf(text).filter((specifier) => specifier.startsWith('.'))
        return [path, new Set(targets.map((specifier) => posix.join(posix.dirname(path), specifier)))]
      }),
    )
    // Files that import nothing which is left are taken away until none is left, or only a cycle.
    for (let free = leaves(graph); free.length > 0; free = leaves(graph)) {
      for (const path of free) graph.delete(path)
      for (const targets of graph.values()) for (const path of free) targets.delete(path)
    }
    expect([...graph.keys()]).toEqual([])
  })

  it('name their file with its ending', () => {
    expect(relativeEdges.filter(({ specifier }) => !/\.tsx?$/.test(specifier))).toEqual([])
  })
})

function leaves(graph: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  return [...graph].filter(([, targets]) => targets.size === 0).map(([path]) => path)
}
