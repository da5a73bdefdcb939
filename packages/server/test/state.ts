/** What a server has stored and told, to show that a refused request left everything as it was. */
import { DatabaseSync } from 'node:sqlite'
import { databaseIn, type TestServer } from './harness.ts'

/** Refused requests are counted and told of, and change nothing else. */
const mayChange = /events|counters|sequence/

/** Every row of every other table of the database, as it stands. */
export function stateOf({ folder }: Pick<TestServer, 'folder'>): Readonly<Record<string, unknown>> {
  const database = new DatabaseSync(databaseIn(folder), { readOnly: true })
  try {
    const names = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").all()
    const tables = names.map(({ name }) => String(name)).filter((name) => !mayChange.test(name))
    return Object.fromEntries(tables.map((name) => [name, database.prepare(`SELECT * FROM "${name}"`).all()]))
  } finally {
    database.close()
  }
}

interface Told {
  readonly kind: string
  readonly reason: string | null
  readonly outcome: string | null
}

/** Kind, reason and outcome of the security events told while something was done, as one text each. */
export async function toldDuring({ log }: Pick<TestServer, 'log'>, act: () => Promise<unknown>): Promise<string[]> {
  const before = log.lines().length
  await act()
  return log
    .lines()
    .slice(before)
    .flatMap(({ event }) => (event === undefined ? [] : [event as Told]))
    .map(({ kind, reason, outcome }) => [kind, reason, outcome].filter((word) => word !== null).join(' '))
}
