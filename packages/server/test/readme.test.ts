import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'vitest'
import { variables } from '../src/config/variables.ts'
import { routes } from '../src/routes/index.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

describe('the README', () => {
  it('names every setting and no other', () => {
    const settings = readme.slice(readme.indexOf('## Settings'), readme.indexOf('## Routes'))
    const rows = settings.split('\n').filter((line) => line.startsWith('| `'))
    const named = rows.flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`(\w+)`/g)].map(([, name]) => name))
    assert.deepEqual(
      named.sort(),
      Object.values(variables)
        .map(({ name }) => name)
        .sort(),
    )
  })

  it('names every route of the server and no other', () => {
    const rows = readme
      .slice(readme.indexOf('## Routes'))
      .split('\n')
      .filter((line) => line.startsWith('| `') && !line.includes('from the library'))
    const named = rows.flatMap((row) => [...row.matchAll(/`((?:GET|POST|PATCH|DELETE) \/[^`]*)`/g)].map(([, name]) => name))
    assert.deepEqual(named.sort(), routes.map(({ method, path }) => `${method} ${path}`).sort())
  })
})
