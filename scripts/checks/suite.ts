/** Runs steps one after another, tells each outcome, and sums what passed and what failed. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { advice, type Need, provide } from './needs.ts'
import { tallyOf } from './report.ts'
import { type Ended, type RunOptions, run } from './run.ts'
import type { Step } from './steps.ts'

export interface Totals {
  readonly passed: number
  readonly failed: number
}

export interface SuiteOptions {
  readonly root: string
  /** On CI, a part that is left out is a failure. */
  readonly isCi: boolean
  readonly print: (line: string) => void
  /** Aborted by an interrupt: no further step starts. */
  readonly interrupted: AbortSignal
  readonly provide?: (needs: readonly Need[]) => Promise<readonly Need[]>
}

interface Outcome extends Totals {
  /** Names of what was not run. */
  readonly leftOut: readonly string[]
  /** Shown when the step failed. */
  readonly output: string
}

function outcomeOfOne(ended: Ended): Outcome {
  return { passed: ended.ok ? 1 : 0, failed: ended.ok ? 0 : 1, leftOut: [], output: `${ended.output}\n${ended.why}` }
}

async function runTests(step: Step, options: SuiteOptions): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-report-'))
  const file = join(folder, 'report.json')
  try {
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`]
    const ended = await run(step.program, [...step.args, ...reporters], settingsOf(step, options))
    const report = await readFile(file, 'utf8').catch(() => undefined)
    return { ...tallyOf(report, ended.ok), output: `${ended.output}\n${ended.why}` }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Output is kept and shown later, maybe in a log: colours would be noise there. */
function settingsOf(step: Step, options: SuiteOptions): RunOptions {
  const { FORCE_COLOR: _, ...env } = process.env
  const limit = step.limit === undefined ? {} : { limit: step.limit }
  return { cwd: options.root, env: { ...env, NO_COLOR: '1' }, ...limit }
}

async function runStep(step: Step, options: SuiteOptions): Promise<Outcome> {
  const missing = await (options.provide ?? provide)(step.needs ?? [])
  if (missing.length > 0) return { passed: 0, failed: 0, leftOut: [`all of it: ${advice(missing)}`], output: '' }
  if (step.countsTests) return runTests(step, options)
  return outcomeOfOne(await run(step.program, step.args, settingsOf(step, options)))
}

function tell(step: Step, outcome: Outcome, seconds: string, options: SuiteOptions): void {
  const verdict = outcome.failed > 0 ? 'FAILED' : outcome.leftOut.length > 0 ? 'PARTLY' : 'ok'
  const count = step.countsTests ? `, ${outcome.passed} passed, ${outcome.failed} failed` : ''
  options.print(`${verdict.padEnd(7)}${step.name} (${step.what})${count}, ${seconds} s`)
  for (const name of outcome.leftOut) options.print(`       left out: ${step.name}: ${name}`)
  if (outcome.failed > 0 && outcome.output.trim() !== '') options.print(outcome.output.trimEnd())
}

export async function runSteps(steps: readonly Step[], options: SuiteOptions): Promise<Totals> {
  let passed = 0
  let failed = 0
  for (const step of steps) {
    if (options.interrupted.aborted) break
    const startedAt = performance.now()
    const found = await runStep(step, options)
    const outcome = options.isCi ? { ...found, failed: found.failed + found.leftOut.length } : found
    tell(step, outcome, ((performance.now() - startedAt) / 1000).toFixed(1), options)
    passed += outcome.passed
    failed += outcome.failed
  }
  return { passed, failed }
}
