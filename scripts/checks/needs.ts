/** Programs of the system that a step needs: found, installed where that is possible, or named. */
import { accessSync, constants, globSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { run } from './run.ts'

export interface Need {
  /** Looked for in PATH. */
  readonly program: string
  /** Pattern of paths where it is as well, for packages that keep their programs out of PATH. */
  readonly elsewhere?: string
  /** The Debian package that holds it. */
  readonly debian: string
}

/** The machine, as far as installing is concerned. */
export interface Machine {
  has(need: Need): boolean
  /** Root on Debian or a system built on it. */
  readonly installs: boolean
  /** Runs `apt-get` with these arguments; resolves to whether it went well. */
  aptGet(args: readonly string[]): Promise<boolean>
}

export const thisMachine: Machine = {
  has: ({ program, elsewhere }) => {
    const inPath = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, program))
    return [...inPath, ...(elsewhere === undefined ? [] : globSync(elsewhere))].some(isExecutable)
  },
  installs: process.getuid?.() === 0 && isDebianLike(),
  aptGet: async (args) => {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    return (await run('apt-get', args, { env })).ok
  },
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function isDebianLike(): boolean {
  try {
    return /^ID(?:_LIKE)?=.*\b(?:debian|ubuntu)\b/m.test(readFileSync('/etc/os-release', 'utf8'))
  } catch {
    return false
  }
}

/** Makes sure of `needs`, installing what is missing where that is possible; returns what is still missing. */
export async function provide(needs: readonly Need[], machine: Machine = thisMachine): Promise<readonly Need[]> {
  const missing = needs.filter((need) => !machine.has(need))
  if (missing.length === 0 || !machine.installs) return missing
  const packages = [...new Set(missing.map(({ debian }) => debian))]
  // A list that could not be refreshed may still be good enough to install from: the install decides.
  await machine.aptGet(['update'])
  await machine.aptGet(['install', '--yes', '--no-install-recommends', ...packages])
  return missing.filter((need) => !machine.has(need))
}

/** What a person has to do about what is missing. */
export function advice(missing: readonly Need[]): string {
  const programs = missing.map(({ program }) => program).join(', ')
  const packages = [...new Set(missing.map(({ debian }) => debian))].join(' ')
  return `needs ${programs}; on Debian or Ubuntu: apt-get install ${packages}`
}
