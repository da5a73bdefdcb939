/**
 * `npm test`: everything, or the steps named as arguments. The last line is `N passed, N failed`; the exit code
 * is 0 only when nothing failed.
 */
import { dirname } from 'node:path'
import { endAll } from './checks/run.ts'
import { type Step, steps } from './checks/steps.ts'
import { runSteps } from './checks/suite.ts'

/** 128 + the signal's number, as a shell reports it. */
const exitCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const

const root = dirname(import.meta.dirname)
const isCi = !['', '0', 'false', undefined].includes(process.env.CI)

function chosen(names: readonly string[]): readonly Step[] {
  const unknown = names.filter((name) => !steps.some((step) => step.name === name))
  if (unknown.length > 0) {
    console.error(`No step is named ${unknown.join(', ')}. Steps: ${steps.map(({ name }) => name).join(', ')}`)
    process.exit(2)
  }
  return names.length === 0 ? steps : steps.filter(({ name }) => names.includes(name))
}

const interruption = new AbortController()
for (const [signal, code] of Object.entries(exitCodes)) {
  process.on(signal, () => {
    process.exitCode = code
    interruption.abort()
    endAll()
  })
}

const { passed, failed } = await runSteps(chosen(process.argv.slice(2)), {
  root,
  isCi,
  print: (line) => console.log(line),
  interrupted: interruption.signal,
})
if (interruption.signal.aborted) console.log('Interrupted: the count is not complete.')
else if (failed > 0) process.exitCode = 1
console.log(`${passed} passed, ${failed} failed`)
