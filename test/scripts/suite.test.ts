import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { staleOutput } from '../../scripts/build.ts'
import type { Step } from '../../scripts/checks/steps.ts'
import { runSteps } from '../../scripts/checks/suite.ts'
import { root } from '../support/workspace.ts'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-suite-'))
})

afterAll(() => rm(folder, { recursive: true, force: true }))

function step(name: string, code: string, more: Partial<Step> = {}): Step {
  return { name, what: 'for a test', program: process.execPath, args: ['-e', code, '--'], ...more }
}

/** A step that writes the report of one passed and one skipped test where it is told to. */
const tests = step(
  'tests',
  `const file = process.argv.find((word) => word.startsWith('--outputFile.json=')).split('=')[1]
   const results = [{ status: 'passed', fullName: 'runs' }, { status: 'skipped', fullName: 'rests' }]
   const report = { numPassedTests: 1, numFailedTests: 0, testResults: [{ assertionResults: results }] }
   require('node:fs').writeFileSync(file, JSON.stringify(report))`,
  { countsTests: true },
)

async function suite(steps: readonly Step[], isCi = false, interrupted = new AbortController().signal) {
  const lines: string[] = []
  const totals = await runSteps(steps, {
    root: folder,
    isCi,
    print: (line) => lines.push(line),
    interrupted,
    provide: async (needs) => needs,
  })
  return { ...totals, told: lines.join('\n') }
}

describe('a run of steps', () => {
  it('counts a step as one, and goes on after one that failed, showing what that said', async () => {
    const ended = await suite([
      step('a', "console.log('quiet')"),
      step('b', "console.log('why'); process.exitCode = 1"),
      step('c', ''),
    ])
    expect(ended).toMatchObject({ passed: 2, failed: 1 })
    expect(ended.told).toMatch(/^ok {5}a .*\nFAILED b .*\nwhy\n\nended with code 1\nok {5}c /)
    expect(ended.told).not.toContain('quiet')
  })

  it('counts the tests of a test run one by one, and names those left out', async () => {
    const ended = await suite([tests])
    expect(ended).toMatchObject({ passed: 1, failed: 0 })
    expect(ended.told).toContain('left out: tests: rests')
  })

  it('counts what is left out as failed on CI', async () => {
    expect(await suite([tests], true)).toMatchObject({ passed: 1, failed: 1 })
  })

  it('names a step whose needs are not met, and does not run it', async () => {
    const needy = step('needy', "throw new Error('ran')", { needs: [{ program: 'nginx', debian: 'nginx-light' }] })
    const ended = await suite([needy])
    expect(ended).toMatchObject({ passed: 0, failed: 0 })
    expect(ended.told).toContain('left out: needy: all of it: needs nginx; on Debian or Ubuntu: apt-get install nginx-light')
    expect(await suite([needy], true)).toMatchObject({ passed: 0, failed: 1 })
  })

  it('starts nothing after an interrupt', async () => {
    expect(await suite([step('a', '')], false, AbortSignal.abort())).toEqual({ passed: 0, failed: 0, told: '' })
  })
})

describe('the test command', () => {
  /** Runs it in a process of its own; resolves to its exit code and what it printed. */
  async function command(...names: readonly string[]): Promise<{ code: number | null; printed: string }> {
    const child = spawn(process.execPath, [join(root, 'scripts/test.ts'), ...names], { env: { ...process.env, PATH: folder } })
    let printed = ''
    child.stdout.on('data', (chunk) => {
      printed += chunk
    })
    child.stderr.on('data', (chunk) => {
      printed += chunk
    })
    return new Promise((resolve) => child.on('close', (code) => resolve({ code, printed })))
  }

  it('ends with the count alone on a line, and with code 1 when something failed', async () => {
    // No program is in PATH, so the step cannot even start.
    const { code, printed } = await command('lint')
    expect(code).toBe(1)
    expect(printed).toMatch(/could not be started[\s\S]*\n0 passed, 1 failed\n$/)
  })

  it('refuses a step that it does not know, and says which there are', async () => {
    const { code, printed } = await command('lnit')
    expect(code).toBe(2)
    expect(printed).toMatch(/No step is named lnit\. Steps: lint, build, /)
  })
})

describe('output of a build', () => {
  it('is stale when its source is gone', async () => {
    await mkdir(join(folder, 'package/src/a'), { recursive: true })
    await mkdir(join(folder, 'package/dist/a'), { recursive: true })
    await writeFile(join(folder, 'package/src/a/kept.ts'), '')
    for (const name of ['kept', 'gone']) {
      for (const ending of ['.js', '.js.map', '.d.ts', '.d.ts.map'])
        await writeFile(join(folder, 'package/dist/a', name + ending), '')
    }
    const stale = await staleOutput(join(folder, 'package'))
    expect(stale.sort()).toEqual(
      ['.d.ts', '.d.ts.map', '.js', '.js.map'].map((ending) => join(folder, 'package/dist/a', `gone${ending}`)),
    )
  })
})
