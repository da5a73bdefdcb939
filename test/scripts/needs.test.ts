import { basename, dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { advice, type Machine, provide, thisMachine } from '../../scripts/checks/needs.ts'

const redis = { program: 'redis-server', debian: 'redis-server' }
const valkey = { program: 'redis-cli', debian: 'redis-tools' }

/** A machine whose programs are `has`, and on which installing a package brings the programs of `brings`. */
function machine(has: readonly string[], brings: Readonly<Record<string, string>>, installs = true) {
  const programs = new Set(has)
  const calls: string[] = []
  const made: Machine = {
    installs,
    has: ({ program }) => programs.has(program),
    aptGet: async (args) => {
      calls.push(args.join(' '))
      for (const name of args) if (brings[name] !== undefined) programs.add(brings[name])
      return true
    },
  }
  return { ...made, calls }
}

describe('what a step needs of the system', () => {
  it('is left alone when it is there', async () => {
    const here = machine(['redis-server', 'redis-cli'], {})
    expect(await provide([redis, valkey], here)).toEqual([])
    expect(here.calls).toEqual([])
  })

  it('is installed where that is possible, all of it at once', async () => {
    const here = machine(['redis-cli'], { 'redis-server': 'redis-server' })
    expect(await provide([redis, valkey], here)).toEqual([])
    expect(here.calls).toEqual(['update', 'install --yes --no-install-recommends redis-server'])
  })

  it('is still missing when its package does not bring it', async () => {
    expect(await provide([redis], machine([], {}))).toEqual([redis])
  })

  it('is named, and nothing is installed, on any other machine', async () => {
    const here = machine([], { 'redis-server': 'redis-server' }, false)
    const missing = await provide([redis, valkey], here)
    expect(here.calls).toEqual([])
    expect(advice(missing)).toBe('needs redis-server, redis-cli; on Debian or Ubuntu: apt-get install redis-server redis-tools')
  })

  it('is found in PATH, or where its pattern says', () => {
    const absent = 'no-such-program'
    const folder = dirname(process.execPath)
    const elsewhere = join(dirname(folder), '*', basename(process.execPath))
    expect(thisMachine.has({ program: 'npm', debian: 'npm' })).toBe(true)
    expect(thisMachine.has({ program: absent, debian: absent })).toBe(false)
    expect(thisMachine.has({ program: absent, debian: absent, elsewhere })).toBe(true)
  })
})
