/**
 * The reference pages and the code name the same things. A page lists them in tables, found by the first word of
 * their header; the names are the words in backticks in a row's first cell, or in its second when the first has none.
 */
import { describe, expect, it } from 'vitest'
import { noticeEvents } from '../../packages/holdfast/src/defence/notices.ts'
import { engineOptionNames } from '../../packages/holdfast/src/engine/options.ts'
import { createHoldfast } from '../../packages/holdfast/src/holdfast.ts'
import { httpOptionNames } from '../../packages/holdfast/src/http/options.ts'
import { routes as libraryRoutes } from '../../packages/holdfast/src/http/routes.ts'
import { deadReasons, problems } from '../../packages/holdfast/src/shared/codes.ts'
import { eventKinds } from '../../packages/holdfast/src/shared/event-kinds.ts'
import * as names from '../../packages/holdfast/src/shared/names.ts'
import { memoryStore } from '../../packages/holdfast/src/store/memory.ts'
import { variables } from '../../packages/server/src/config/variables.ts'
import { createMetrics } from '../../packages/server/src/metrics/metrics.ts'
import { routes as serverRoutes } from '../../packages/server/src/routes/index.ts'
import { codeIn, readPage, tables } from '../support/markdown.ts'
import { modules, specifierOf } from '../support/workspace.ts'

interface Agreement {
  readonly what: string
  readonly page: string
  /** First word of the header of the tables that count. */
  readonly header: string
  /** Each name with a fact that its row must state in a cell of its own; empty for none. */
  readonly code: ReadonlyMap<string, string>
  /** What the documentation says to the name that the code uses. Default: itself. */
  readonly nameOf?: (word: string) => string
}

function withoutFacts(list: Iterable<string>): ReadonlyMap<string, string> {
  return new Map([...list].map((name) => [name, '']))
}

const routeNames = [
  ...Object.entries(libraryRoutes).flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method} /auth${path}`)),
  ...serverRoutes.map(({ method, path }) => `${method} ${path}`),
]

/** As the registry has them; those of the process are the client library's own and described together. */
const measured = createMetrics({
  holdfast: createHoldfast({ secret: 'Vq3mTz81-kf02Lm77xR4nH8sLd0Fg4Pc', store: memoryStore() }),
  passwords: { load: () => ({ running: 0, waiting: 0, refused: 0 }) },
  trail: { waiting: 0, lost: 0 },
  webhook: { stats: { holds: false, delivered: 0, failures: 0, lost: 0, behind: 0 } },
}).metrics

const agreements: readonly Agreement[] = [
  {
    what: 'problem codes and their statuses',
    page: 'docs/reference/errors.md',
    header: 'code',
    code: new Map(Object.entries(problems).map(([code, { status }]) => [code, String(status)])),
  },
  {
    what: 'reasons of a dead session and their codes',
    page: 'docs/concepts/verdicts.md',
    header: 'reason',
    code: new Map(Object.entries(deadReasons).map(([reason, code]) => [reason, `\`${code}\``])),
  },
  {
    what: 'options',
    page: 'docs/reference/options.md',
    header: 'option',
    code: withoutFacts([...engineOptionNames, ...httpOptionNames]),
    nameOf: (word) => word.split('.')[0] ?? word,
  },
  {
    what: 'events and their meanings',
    page: 'docs/reference/events.md',
    header: 'kind',
    code: new Map(Object.entries(eventKinds).map(([kind, { means }]) => [kind, means])),
  },
  {
    what: 'severities of events',
    page: 'docs/reference/events.md',
    header: 'kind',
    code: new Map(Object.entries(eventKinds).map(([kind, { severity }]) => [kind, severity])),
  },
  {
    what: 'notices and their events',
    page: 'docs/reference/events.md',
    header: 'notice',
    code: new Map(Object.entries(noticeEvents).map(([notice, kind]) => [notice, `\`${kind}\``])),
  },
  {
    what: 'package entries',
    page: 'docs/reference/entries.md',
    header: 'entry',
    code: withoutFacts(modules.map(([subpath]) => specifierOf(subpath))),
  },
  {
    what: 'environment variables',
    page: 'docs/reference/configuration.md',
    header: 'variable',
    code: withoutFacts([...Object.values(variables).map(({ name }) => name), 'NODE_ENV']),
  },
  {
    what: 'metrics and their meanings',
    page: 'docs/reference/metrics.md',
    header: 'metric',
    code: new Map(measured.filter(({ name }) => name.startsWith('holdfast_')).map(({ name, help }) => [name, help])),
  },
  {
    what: 'types of metrics',
    page: 'docs/reference/metrics.md',
    header: 'metric',
    code: new Map(measured.filter(({ name }) => name.startsWith('holdfast_')).map(({ name, type }) => [name, type])),
  },
  { what: 'routes', page: 'docs/reference/http-api.md', header: 'route', code: withoutFacts(routeNames) },
]

/** The names that a page lists, in its order, each with the cells of its row. */
function listed({ page, header, nameOf }: Agreement): (readonly [name: string, cells: readonly string[]])[] {
  return tables(readPage(page))
    .filter((table) => table.header[0] === header)
    .flatMap(({ rows }) => rows)
    .flatMap((cells) => {
      const [first = '', second = ''] = cells
      const words = codeIn(first).length > 0 ? codeIn(first) : codeIn(second)
      return words.map((word) => [nameOf?.(word) ?? word, cells] as const)
    })
}

describe.each(agreements)('the $what in $page', (agreement) => {
  const { code } = agreement
  // Read by each test, so that a page which is not there fails as one.
  const documented = () => listed(agreement)

  it('are all those of the code', () => {
    const found = new Set(documented().map(([name]) => name))
    expect([...code.keys()].filter((name) => !found.has(name))).toEqual([])
  })

  it('are only those of the code', () => {
    expect(documented().flatMap(([name]) => (code.has(name) ? [] : [name]))).toEqual([])
  })

  it('are each named once', () => {
    const spelled = listed({ ...agreement, nameOf: (word) => word }).map(([name]) => name)
    expect(spelled.filter((name, at) => spelled.indexOf(name) !== at)).toEqual([])
  })

  it('say what the code says', () => {
    const wrong = documented().filter(([name, cells]) => code.get(name) && !cells.slice(1).includes(code.get(name) ?? ''))
    expect(wrong.map(([name]) => `${name}: ${code.get(name)}`)).toEqual([])
  })
})

describe('the headers and cookies in docs/reference/headers-and-cookies.md', () => {
  it('are all those of the code', () => {
    const known = Object.values(names).flatMap((name) => (typeof name === 'string' ? [name] : Object.values(name)))
    const rows = tables(readPage('docs/reference/headers-and-cookies.md')).flatMap((table) => table.rows)
    const found = new Set(rows.flatMap(([first = '']) => codeIn(first)).map((word) => word.toLowerCase()))
    expect(known.filter((name) => !found.has(name.toLowerCase()))).toEqual([])
  })
})
