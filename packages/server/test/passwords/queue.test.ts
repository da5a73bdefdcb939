import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { Queue } from '../../src/passwords/queue.ts'

/** A task that ends when told to. */
function held(): { readonly task: () => Promise<void>; readonly end: () => void; started: boolean } {
  let end = () => {}
  const done = new Promise<void>((resolve) => {
    end = resolve
  })
  const state = {
    started: false,
    end: () => end(),
    task: () => {
      state.started = true
      return done
    },
  }
  return state
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

describe('the queue', () => {
  it('runs so many at once, lets so many wait in order, and refuses the rest at once', async () => {
    const queue = new Queue({ running: 2, waiting: 2 })
    const tasks = Array.from({ length: 5 }, held)
    const runs = tasks.map(({ task }) => queue.run(task))
    const refusal = await runs[4]?.catch((fault: unknown) => fault)
    assert.equal((refusal as { code: string }).code, 'rate-limited')
    assert.equal((refusal as { retryAfter: number }).retryAfter, 2)
    await settled()
    assert.deepEqual(
      tasks.map(({ started }) => started),
      [true, true, false, false, false],
    )
    tasks[1]?.end()
    await settled()
    assert.deepEqual(
      tasks.map(({ started }) => started),
      [true, true, true, false, false],
    )
    for (const { end } of tasks) end()
    await Promise.all(runs.slice(0, 4))
  })

  it('gives the place on when a task fails', async () => {
    const queue = new Queue({ running: 1, waiting: 8 })
    const failing = () => Promise.reject(new Error('no'))
    const runs = [queue.run(failing), queue.run(failing), queue.run(async () => 'third')]
    const results = await Promise.allSettled(runs)
    assert.deepEqual(
      results.map(({ status }) => status),
      ['rejected', 'rejected', 'fulfilled'],
    )
    assert.equal(await queue.run(async () => 'again'), 'again')
  })

  it('never runs more than it may under a flood', async () => {
    const queue = new Queue({ running: 2, waiting: 64 })
    let running = 0
    let most = 0
    const task = async () => {
      running += 1
      most = Math.max(most, running)
      await settled()
      running -= 1
    }
    const results = await Promise.allSettled(Array.from({ length: 100 }, () => queue.run(task)))
    assert.equal(most, 2)
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 66)
  })
})
