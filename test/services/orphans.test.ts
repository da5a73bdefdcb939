import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { eventually } from './redis.ts'

/** Starts servers and then waits, as a test does that hangs. */
const program = `
  const { startRedis } = await import(${JSON.stringify(new URL('./redis.ts', import.meta.url).href)})
  console.log((await startRedis()).port)
  setInterval(() => {}, 1000)
`

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false))
    socket.on('connect', () => socket.destroy())
  })
}

describe('a process that started servers', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('leaves none behind when %s ends it', async (signal) => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
    const exited = once(child, 'exit')
    const [text] = await once(child.stdout, 'data')
    const port = Number(text)
    expect(await answers(port)).toBe(true)
    child.kill(signal)
    expect(await exited).toEqual([null, signal])
    await eventually('the server is gone', async () => !(await answers(port)))
  })
})
