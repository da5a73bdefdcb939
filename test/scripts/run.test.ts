import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { endAll, run } from '../../scripts/checks/run.ts'

const node = process.execPath

/**
 * Starts a second process that would live for ten minutes with the same output pipes, and then does what `then`
 * says. `run` can be done with it only when that one is gone as well, because it waits for the pipes.
 */
const withChild = (then: string) =>
  `require('node:child_process').spawn(process.execPath, ['-e', 'setTimeout(() => {}, 600_000)'], { stdio: 'inherit' })
   ${then}`

describe('a program that is run', () => {
  it('gives back what it printed, on both streams', async () => {
    const ended = await run(node, ['-e', "console.log('out'); console.error('err')"])
    expect(ended.ok).toBe(true)
    expect(ended.output.split('\n').sort()).toEqual(['', 'err', 'out'])
  })

  it('is not ok when it ends with another code than 0, by a signal, or was never there', async () => {
    expect(await run(node, ['-e', 'process.exitCode = 3'])).toMatchObject({ ok: false, why: 'ended with code 3' })
    expect(await run(node, ['-e', "process.kill(process.pid, 'SIGKILL')"])).toMatchObject({
      ok: false,
      why: 'was ended by SIGKILL',
    })
    expect((await run('/no/such/program', [])).why).toMatch(/^could not be started/)
  })

  it('does not hang on what it leaves behind, and ends it', async () => {
    expect(await run(node, ['-e', withChild('process.exit(0)')])).toEqual({ ok: true, output: '', why: '' })
  })

  it('is ended with all that it started when it takes too long', async () => {
    const ended = await run(node, ['-e', withChild('')], { limit: 500 })
    expect(ended).toMatchObject({ ok: false, why: expect.stringMatching(/^took longer than/) })
  })

  it('is ended with all that it started by an interrupt', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-run-'))
    const started = join(folder, 'started')
    const interrupted = run(node, ['-e', withChild(`require('node:fs').writeFileSync(${JSON.stringify(started)}, '')`)])
    await expect.poll(() => existsSync(started), { timeout: 10_000 }).toBe(true)
    endAll()
    expect(await interrupted).toMatchObject({ ok: false, why: 'was ended by SIGTERM' })
    await rm(folder, { recursive: true })
  })
})
