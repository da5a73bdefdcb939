/** The results as Markdown tables. */
import type { PairResult } from './http/pairs.ts'
import type { Results } from './results.ts'
import type { Lag } from './revocation/revocation.ts'
import type { Spread } from './shared/statistics.ts'
import { classes, type Quantiles } from './sign-in/sign-in.ts'
import { type Backend, backendNames } from './stores/services.ts'
import { judge } from './targets.ts'

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows]
  const widths = head.map((_, column) => Math.max(3, ...all.map((row) => row[column]?.length ?? 0)))
  const line = (row: readonly string[]) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`
  return [line(head), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...rows.map(line)].join('\n')
}

function digits(value: number): string {
  return value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)
}

function range({ median, min, max }: Spread): string[] {
  return [digits(median), `${digits(min)} to ${digits(max)}`]
}

function quartiles({ median, q1, q3 }: Spread, scale = 1): string {
  return `${digits(median * scale)} (${digits(q1 * scale)} to ${digits(q3 * scale)})`
}

const caseNames: Readonly<Record<string, string>> = {
  yardstick: 'yardstick: SHA-256 of 43 characters',
  cached: 'Holdfast verify, cached',
  memory: 'Holdfast verify, uncached on memory',
  unseen: 'Holdfast verify, token not seen before, on memory',
  sqlite: 'Holdfast verify, uncached on SQLite',
  'fast-jwt': 'fast-jwt HS256, cached',
  jose: 'jose HS256 jwtVerify',
  'iron-session': 'iron-session unsealData',
  lockout: 'Holdfast lockout, an attempt checked and counted',
  'lockout-forgiven': 'Holdfast lockout, counted, forgiven, device proven',
  refresh: 'Holdfast refresh on memory',
  'jwt-EdDSA': 'Holdfast EdDSA, signature and claims',
  'fast-jwt-EdDSA': 'fast-jwt EdDSA, no cache',
  'jose-EdDSA': 'jose EdDSA jwtVerify',
  'jwt-ES256': 'Holdfast ES256, signature and claims',
  'fast-jwt-ES256': 'fast-jwt ES256, no cache',
  'jose-ES256': 'jose ES256 jwtVerify',
}

function microTable({ micro }: Results): string[] {
  if (micro === undefined) return []
  const yardstick = micro.cases.yardstick?.wall.median ?? Number.NaN
  const rows = Object.entries(micro.cases).map(([name, { wall, cpu }]) => [
    caseNames[name] ?? name,
    ...range(wall),
    digits(cpu.median),
    digits(wall.median / yardstick),
  ])
  return [table(['one check', 'µs, median', 'range over rounds', 'CPU µs, median', 'yardsticks'], rows)]
}

function pairRow(name: string, { ratio, addedCpu, aloneRatio, perSecond, barePerSecond, p99, bareP99 }: PairResult): string[] {
  return [
    name,
    quartiles(ratio, 100),
    quartiles(addedCpu),
    quartiles(aloneRatio, 100),
    `${(perSecond.median / 1000).toFixed(1)} / ${(barePerSecond.median / 1000).toFixed(1)}`,
    `${digits(p99.median)} / ${digits(bareP99.median)}`,
  ]
}

function httpTable({ http }: Results): string[] {
  if (http === undefined) return []
  const rows = Object.entries(http.contestants).map(([name, result]) => pairRow(name, result))
  const head = [
    'GET /me',
    '% of bare (quartiles)',
    'added CPU, µs',
    '% of bare, alone',
    'k req/s, own / bare',
    'p99 ms, own / bare',
  ]
  return [table(head, [pairRow('null test, bare twice', http.nullTest), ...rows])]
}

function memoryTable({ memory }: Results): string[] {
  if (memory === undefined) return []
  const { sessions, bytes, residentBytes, fullGc, get, verify, issue } = memory
  const rows = [
    ['bytes per session', ...range(bytes)],
    ['resident bytes per session', ...range(residentBytes)],
    ['full collection, ms', ...range(fullGc)],
    ['store get, µs', ...range(get)],
    ['verify, uncached, µs', ...range(verify)],
    ['issue, µs', ...range(issue)],
  ]
  return [table([`${sessions.toLocaleString('en')} sessions in memory`, 'median', 'range over runs'], rows)]
}

function storesTable({ stores }: Results): string[] {
  if (stores === undefined) return []
  const rows = Object.entries(stores).map(([name, { driver, verify, ratio, bytes, effort }]) => [
    backendNames[name as Backend],
    effort.inFlight.toLocaleString('en'),
    (driver.median / 1000).toFixed(1),
    (verify.median / 1000).toFixed(1),
    quartiles(ratio, 100),
    effort.sessions.toLocaleString('en'),
    digits(bytes),
  ])
  const head = [
    'uncached checks',
    'in flight',
    'driver, k/s',
    'verify, k/s',
    '% of the driver (quartiles)',
    'sessions',
    'bytes each',
  ]
  return [table(head, rows)]
}

function lag({ p50, p99, max }: Lag): string {
  return [p50, p99, max].map(digits).join(' / ')
}

function revocationTable({ revocation }: Results): string[] {
  if (revocation === undefined) return []
  const rows = Object.entries(revocation).map(([name, { effort, perSecond, refused, closed, heard }]) => [
    backendNames[name as Backend],
    String(effort.samples),
    (perSecond / 1000).toFixed(1),
    lag(refused),
    lag(closed),
    heard === undefined ? '' : lag(heard),
  ])
  const head = [
    'revocation to another node',
    'samples',
    'load, k req/s',
    'refused, ms: p50 / p99 / max',
    'stream closed, ms: p50 / p99 / max',
    "driver's own message, ms: p50 / p99 / max",
  ]
  return [table(head, rows)]
}

function liveTable({ live }: Results): string[] {
  if (live === undefined) return []
  const { effort, residentMiB, closing, closed, growthMiB, stored } = live
  const count = (number: number) => number.toLocaleString('en')
  const rows = [
    [`${count(effort.streams)} open event streams: the whole process, MiB`, digits(residentMiB)],
    [
      `${closing} of them closed after a revocation on another node, ms: median / most`,
      [closed[Math.floor(closed.length / 2)] ?? Number.NaN, closed.at(-1) ?? Number.NaN].map(digits).join(' / '),
    ],
    [`growth over ${count(effort.requests)} requests without a cookie, MiB`, digits(growthMiB)],
    ['sessions that they left', String(stored)],
  ]
  return [table(['connections and visitors', ''], rows)]
}

function startTable({ start }: Results): string[] {
  return start === undefined
    ? []
    : [table(['start', 'ms, median', 'range'], [['npm start to /healthz', ...range(start.healthy)]])]
}

function signInTables({ 'sign-in': signIn }: Results): string[] {
  if (signIn === undefined) return []
  const { atRest, during, refusals, alike, effort } = signIn
  const row = (name: string, { p10, p50, p90, p99 }: Quantiles) => [name, ...[p10, p50, p90, p99].map(digits)]
  const reads = [row('at rest', atRest), row(`during ${effort.signIns} sign-ins`, during)]
  const refused = classes.map((each) => [...row(each, refusals[each]), each === 'unknown' ? '' : alike[each].toFixed(3)])
  return [
    table(['`GET /auth/session`', 'ms, p10', 'p50', 'p90', 'p99'], reads),
    table(['refused sign-in', 'ms, p10', 'p50', 'p90', 'p99', 'p of no difference to unknown'], refused),
  ]
}

function targetTable(results: Results): string {
  const rows = judge(results).map(({ target, measured, met }) => [target, measured, met ? 'met' : 'MISSED'])
  return table(['target', 'measured', ''], rows)
}

/** `judged` false leaves the targets out. */
export function tablesOf(results: Results, judged: boolean): string {
  const { machine, at } = results
  const where = `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.system}, Node ${machine.node}; ${at}`
  const parts = [microTable, httpTable, memoryTable, storesTable, revocationTable, liveTable, startTable, signInTables].flatMap(
    (part) => part(results),
  )
  return [where, ...parts, ...(judged ? [targetTable(results)] : [])].join('\n\n')
}
