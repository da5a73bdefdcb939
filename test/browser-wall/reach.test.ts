/** The last wall: what the built client entry reaches, file by file, holds nothing of a server. */
import { readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { describe, expect, inject, it } from 'vitest'
import { specifiersOf, withoutComments } from '../support/source.ts'
import { modules } from '../support/workspace.ts'

const installed = join(inject('consumer'), 'node_modules/holdfast')

/** Words of the server's side: each names the culprit, which a limit of bytes would not. */
const forbidden =
  /\bnode:|\bcreateHash\b|\bcreateHmac\b|\btimingSafeEqual\b|\bhkdf|\bmemoryStore\b|\bsqliteStore\b|\bDatabaseSync\b|\bprocess\.|\bBuffer\b/
/** Bytes of everything the entry reaches, comments not counted. */
const budget = 16 * 1024

interface Reached {
  readonly files: ReadonlyMap<string, string>
  /** What is not a relative path. */
  readonly outside: readonly string[]
}

function reachedFrom(entry: string): Reached {
  const files = new Map<string, string>()
  const outside: string[] = []
  const pending = [entry]
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    if (files.has(path)) continue
    const code = withoutComments(readFileSync(path, 'utf8'))
    files.set(path, code)
    for (const specifier of specifiersOf(code)) {
      if (specifier.startsWith('.')) pending.push(resolve(dirname(path), specifier))
      else outside.push(specifier)
    }
  }
  return { files, outside }
}

const entries = modules.filter(([, conditions]) => !('browser' in conditions))

describe.each(entries)('the built entry %s', (_subpath, conditions) => {
  const { files, outside } = reachedFrom(join(installed, conditions.default ?? ''))
  const react = /^react(?:\/|$)/

  it('reaches files of its own package only', () => {
    expect(outside.filter((specifier) => !react.test(specifier))).toEqual([])
    expect([...files.keys()].filter((path) => !/\/dist\/(?:client|react|shared)\//.test(path))).toEqual([])
  })

  it('says no word of the server', () => {
    expect([...files].flatMap(([path, code]) => forbidden.exec(code)?.[0].concat(' in ', path) ?? [])).toEqual([])
  })

  it(`weighs at most ${budget} bytes`, () => {
    const bytes = [...files.values()].reduce((sum, code) => sum + Buffer.byteLength(code), 0)
    expect(bytes).toBeLessThanOrEqual(budget)
  })
})

describe('the walk itself', () => {
  it('finds the server in a server entry', () => {
    const { files, outside } = reachedFrom(join(installed, 'dist/index.js'))
    expect(outside).toContain('node:crypto')
    expect([...files.values()].some((code) => forbidden.test(code))).toBe(true)
  })
})
