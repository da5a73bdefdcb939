/**
 * `npm run bench`: measures Holdfast beside its peers, prints tables, writes `--out`.
 *
 *   --only micro,http,memory,…       parts to run (also stores, revocation, live, start, sign-in); default all
 *   --match TEXT                     of the http part, only contestants whose name contains it
 *   --pairs N                        pairs per contestant in the http part; default 11
 *   --out FILE                       also writes everything as JSON, after each part
 *   --with FILE                      keeps what an earlier run wrote there of the parts that this one does not run
 *   --docs                           also writes the tables into docs/benchmarks.md
 *   --check                          ends with 1 when a target is missed
 *   --smoke                          the least effort that runs everything: shows that it works, measures nothing
 *   --profile FOLDER                 writes CPU profiles of the measured processes
 */
import { rmSync } from 'node:fs'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { isDeepStrictEqual, parseArgs } from 'node:util'
import { measureHttp, twoCores } from './http/http.ts'
import { measureLive } from './live/live.ts'
import { measureMemory } from './memory/memory.ts'
import { measureMicro } from './micro/micro.ts'
import { needPeers, needServers, needWrk } from './needs.ts'
import { writePage } from './page.ts'
import { describeMachine, type Results, readVersions } from './results.ts'
import { measureRevocation } from './revocation/revocation.ts'
import { measureSignIn } from './sign-in/sign-in.ts'
import { measureStart } from './start/start.ts'
import { measureStores } from './stores/stores.ts'
import { tablesOf } from './table.ts'
import { judge } from './targets.ts'

const { values: given } = parseArgs({
  options: {
    only: { type: 'string', default: 'micro,http,memory,stores,revocation,live,start,sign-in' },
    match: { type: 'string', default: '' },
    pairs: { type: 'string', default: '11' },
    out: { type: 'string' },
    with: { type: 'string' },
    docs: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
    smoke: { type: 'boolean', default: false },
    profile: { type: 'string' },
  },
})

const efforts = {
  full: {
    micro: { rounds: 21, share: 40 },
    population: { sessions: 100_000, inRotation: 1000 },
    http: { pairs: Number(given.pairs), launches: 3, seconds: 1, warmUpRequests: 60_000, sessions: 500 },
    memory: { sessions: 1_000_000, times: 3 },
    stores: {
      redis: { sessions: 1_000_000, inFlight: 512, rounds: 15, waves: 20 },
      postgres: { sessions: 100_000, inFlight: 512, rounds: 15, waves: 20 },
    },
    revocation: { samples: 300, sessions: 500 },
    live: { streams: 10_000, revocations: 20, requests: 1_000_000 },
    start: 5,
    signIn: { seconds: 4, signIns: 50, refusals: 200 },
  },
  smoke: {
    micro: { rounds: 2, share: 2 },
    population: { sessions: 500, inRotation: 100 },
    http: { pairs: 1, launches: 1, seconds: 1, warmUpRequests: 1, sessions: 20 },
    memory: { sessions: 10_000, times: 1 },
    stores: {
      redis: { sessions: 1000, inFlight: 64, rounds: 2, waves: 2 },
      postgres: { sessions: 1000, inFlight: 64, rounds: 2, waves: 2 },
    },
    revocation: { samples: 3, sessions: 20 },
    live: { streams: 200, revocations: 2, requests: 10_000 },
    start: 1,
    signIn: { seconds: 0.2, signIns: 4, refusals: 3 },
  },
} as const

const effort = given.smoke ? efforts.smoke : efforts.full
const flags = given.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${resolve(given.profile)}`]

function progress(line: string): void {
  console.error(`bench: ${line}`)
}

type Part = 'micro' | 'http' | 'memory' | 'stores' | 'revocation' | 'live' | 'start' | 'sign-in'

const parts: { readonly [Name in Part]: (folder: string) => Promise<Results[Name]> } = {
  micro: async (folder) => {
    await needPeers()
    return measureMicro(folder, effort.micro, effort.population, flags)
  },
  http: async (folder) => {
    await needPeers()
    await needWrk()
    await needServers()
    return measureHttp(folder, { ...effort.http, flags, cpus: twoCores() }, given.match, progress)
  },
  memory: () => measureMemory(effort.memory.sessions, effort.memory.times),
  stores: async () => {
    await needServers()
    return measureStores(effort.stores, flags)
  },
  revocation: async (folder) => {
    await needServers()
    await needWrk()
    return measureRevocation(effort.revocation, folder)
  },
  live: async () => {
    await needServers()
    return measureLive(effort.live)
  },
  start: () => measureStart(effort.start),
  'sign-in': (folder) => measureSignIn(folder, effort.signIn, flags),
}

function isPart(name: string): name is Part {
  return Object.hasOwn(parts, name)
}

/** Parts of an earlier run, on this machine and of these versions: those of another do not stand in one table. */
async function readEarlier(file: string | undefined, now: Results): Promise<Results> {
  if (file === undefined) return now
  const earlier = JSON.parse(await readFile(file, 'utf8')) as Results
  for (const key of ['machine', 'versions'] as const) {
    if (!isDeepStrictEqual(earlier[key], now[key])) throw new Error(`--with ${file}: its ${key} are not those of this run`)
  }
  return earlier
}

async function measureAll(names: readonly Part[], folder: string): Promise<Results> {
  const now = { at: new Date().toISOString(), machine: describeMachine(), versions: await readVersions() }
  let results = await readEarlier(given.with, now)
  for (const name of names) {
    progress(name)
    results = { ...results, [name]: await parts[name](folder) }
    // After each part: the next may fail after half an hour.
    if (given.out !== undefined) await writeFile(given.out, `${JSON.stringify(results, null, 2)}\n`)
  }
  return results
}

// An interrupt ends this process through its exit handlers; the children end with their channel to it.
process.on('SIGINT', () => process.exit(130))
process.on('SIGTERM', () => process.exit(143))

const names = given.only.split(',')
const unknown = names.filter((name) => !isPart(name))
if (unknown.length > 0) throw new Error(`--only knows ${Object.keys(parts).join(', ')}, not ${unknown.join(', ')}`)

const folder = await mkdtemp(join(tmpdir(), 'holdfast-bench-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
const results = await measureAll(names.filter(isPart), folder)
const tables = tablesOf(results, !given.smoke)
console.log(tables)
if (given.docs) await writePage(tables)
if (given.check && !given.smoke && judge(results).some(({ met }) => !met)) process.exitCode = 1
