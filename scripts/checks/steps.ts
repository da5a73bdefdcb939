/** Every step of `npm test`, in the order of cost. Names are what `npm test -- <name>` takes. */
import type { Need } from './needs.ts'

export interface Step {
  readonly name: string
  readonly what: string
  readonly program: string
  readonly args: readonly string[]
  /** A Vitest run: its tests are counted one by one; any other step counts as one. */
  readonly countsTests?: true
  /** Programs of the system without which it cannot run. */
  readonly needs?: readonly Need[]
  /** Milliseconds it may take. Default ten minutes. */
  readonly limit?: number
}

function tests(project: string, what: string, needs: readonly Need[] = []): Step {
  return { name: project, what, program: 'vitest', args: ['run', '--project', project], countsTests: true, needs }
}

/** Servers that tests start for themselves. */
const services: readonly Need[] = [
  { program: 'redis-server', debian: 'redis-server' },
  { program: 'redis-cli', debian: 'redis-tools' },
  // Debian keeps PostgreSQL's own programs out of PATH.
  { program: 'initdb', elsewhere: '/usr/lib/postgresql/*/bin/initdb', debian: 'postgresql' },
]

/** A suite of many servers takes more than the usual ten on a busy machine. */
const twentyMinutes = 1_200_000

export const steps: readonly Step[] = [
  { name: 'lint', what: 'format, lint, order of imports', program: 'biome', args: ['ci', '--error-on-warnings', '--colors=off'] },
  { name: 'build', what: 'types, and the build that follows from them', program: 'node', args: ['scripts/build.ts'] },
  { name: 'knip', what: 'files, exports and dependencies that nothing uses', program: 'knip', args: ['--no-progress'] },
  { name: 'package', what: 'the packed library: publint, attw', program: 'node', args: ['scripts/check-package.ts'] },
  { ...tests('holdfast', 'the library', services), limit: twentyMinutes },
  {
    ...tests('server', 'the standalone server', [
      ...services,
      { program: 'openssl', debian: 'openssl' },
      { program: 'promtool', debian: 'prometheus' },
    ]),
    limit: twentyMinutes,
  },
  tests('history', 'three nodes under load and faults, on real Redis servers', services),
  tests('browser', 'pages in real Chromium', [{ program: 'chromium', debian: 'chromium' }]),
  tests('system', 'layout, packed library, browser walls, documentation'),
]
