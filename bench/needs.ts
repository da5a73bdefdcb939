/** What the benchmarks need beside the project itself, installed where that can be done. */
import { execFile, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { postgresPrograms } from '../test/services/postgres.ts'
import { readManifest } from './manifest.ts'

const run = promisify(execFile)

async function answers(program: string, args: readonly string[]): Promise<boolean> {
  try {
    await run(program, args)
    return true
  } catch (error) {
    // Programs that have no such flag still prove that they are there.
    return (error as NodeJS.ErrnoException).code !== 'ENOENT'
  }
}

function runInSight(program: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    spawn(program, args, { stdio: ['ignore', 2, 2] })
      .on('error', reject)
      .on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`${program} ${args.join(' ')} ended with ${code}`))))
  })
}

async function isInstalled([name, wanted]: readonly [string, string]): Promise<boolean> {
  return (await readManifest(new URL(`./node_modules/${name}/package.json`, import.meta.url))).version === wanted
}

/** The peers, by `npm ci` in this folder. */
export async function needPeers(): Promise<void> {
  const { dependencies = {} } = await readManifest(new URL('./package.json', import.meta.url))
  const installed = await Promise.all(Object.entries(dependencies).map(isInstalled))
  if (installed.every(Boolean)) return
  await runInSight('npm', ['ci', '--prefix', fileURLToPath(new URL('.', import.meta.url))])
}

async function isDebian(): Promise<boolean> {
  try {
    return /^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(await readFile('/etc/os-release', 'utf8'))
  } catch {
    return false
  }
}

/** Installs a Debian package when this is root on Debian or Ubuntu; elsewhere throws what a person has to do. */
async function install(name: string, otherwise: string): Promise<void> {
  if (process.getuid?.() !== 0 || !(await isDebian())) throw new Error(otherwise)
  await runInSight('apt-get', ['update'])
  await runInSight('apt-get', ['install', '--yes', '--no-install-recommends', name])
}

/** The load generator. */
export async function needWrk(): Promise<void> {
  if (await answers('wrk', ['-v'])) return
  await install('wrk', 'this part needs wrk (https://github.com/wg/wrk): `apt-get install wrk` or `brew install wrk`')
}

/** The servers that sessions are kept in. */
export async function needServers(): Promise<void> {
  if (!(await answers('redis-server', ['--version']))) await install('redis-server', 'this part needs redis-server')
  if (postgresPrograms() === undefined) await install('postgresql', 'this part needs PostgreSQL (initdb, postgres)')
}
