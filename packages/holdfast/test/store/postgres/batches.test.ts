import { describe, expect, it } from 'vitest'
import { Batches } from '../../../src/store/postgres-batches.ts'
import { withResolvers } from './promise.ts'

interface Sent {
  readonly questions: readonly number[]
  readonly answer: () => void
  readonly fail: (fault: Error) => void
}

/** Batches whose answers the test gives: each question's double. */
function open(limits: { lanes?: number; size?: number; waiting?: number } = {}): {
  batches: Batches<number, number>
  sent: Sent[]
} {
  const sent: Sent[] = []
  const send = (questions: readonly number[]) => {
    const { promise, resolve, reject } = withResolvers<number[]>()
    sent.push({ questions, answer: () => resolve(questions.map((question) => question * 2)), fail: reject })
    return promise
  }
  const read = (answer: number): number => {
    if (answer === unreadable) throw new Error('damaged')
    return answer
  }
  return { batches: new Batches({ lanes: 2, size: 100, waiting: 1000, ...limits }, send, read), sent }
}

/** An answer that cannot be read: that of half of it. */
const unreadable = 1_000_000

const settle = () => new Promise<void>((resolve) => setImmediate(resolve))
const ask = (batches: Batches<number, number>, from: number, count: number) =>
  Array.from({ length: count }, (_, at) => batches.ask(from + at))

describe('questions to the database', () => {
  it('that are asked at once travel as one, and each gets its own answer', async () => {
    const { batches, sent } = open()
    const answers = ask(batches, 0, 10)
    await settle()
    expect(sent).toHaveLength(1)
    sent[0]?.answer()
    expect(await Promise.all(answers)).toEqual([0, 2, 4, 6, 8, 10, 12, 14, 16, 18])
  })

  it('of one turn travel as one, though they come one by one', async () => {
    const { batches, sent } = open()
    const answers: Promise<number>[] = []
    for (const question of [1, 2, 3]) {
      answers.push(batches.ask(question))
      await new Promise<void>((resolve) => process.nextTick(resolve))
    }
    await settle()
    expect(sent.map(({ questions }) => questions)).toEqual([[1, 2, 3]])
    sent[0]?.answer()
    expect(await Promise.all(answers)).toEqual([2, 4, 6])
  })

  it('do not wait for one batch that hangs, and make the next one while two are under way', async () => {
    const { batches, sent } = open({ lanes: 3 })
    void batches.ask(1)
    await settle()
    const second = batches.ask(2)
    await settle()
    const later = ask(batches, 3, 5)
    await settle()
    expect(sent.map(({ questions }) => questions)).toEqual([[1], [2]])
    sent[1]?.answer()
    expect(await second).toBe(4)
    await settle()
    expect(sent[2]?.questions).toEqual([3, 4, 5, 6, 7])
    sent[2]?.answer()
    await Promise.all(later)
  })

  it('open another lane when many wait, up to the bound, in batches of a bounded size', async () => {
    const { batches, sent } = open({ lanes: 3, size: 50 })
    const answers = ask(batches, 0, 500)
    await settle()
    expect(sent.map(({ questions }) => questions.length)).toEqual([50, 50, 50])
    for (let at = 0; at < 10; at += 1) {
      sent[at]?.answer()
      await settle()
    }
    expect((await Promise.all(answers)).at(-1)).toBe(998)
  })

  it('all fail with their batch, and no others', async () => {
    const { batches, sent } = open()
    const failing = ask(batches, 0, 3)
    await settle()
    const next = batches.ask(9)
    sent[0]?.fail(new Error('gone'))
    expect((await Promise.allSettled(failing)).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    await settle()
    sent[1]?.answer()
    expect(await next).toBe(18)
  })

  it('whose answer cannot be read fail alone', async () => {
    const { batches, sent } = open()
    const answers = [1, unreadable / 2, 3].map((question) => batches.ask(question))
    await settle()
    sent[0]?.answer()
    expect((await Promise.allSettled(answers)).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  })

  it('are refused when too many wait, and taken again later', async () => {
    const { batches, sent } = open({ lanes: 1, waiting: 5 })
    const taken = ask(batches, 0, 5)
    await expect(batches.ask(6)).rejects.toThrow('more than 5 questions wait')
    await settle()
    sent[0]?.answer()
    await Promise.all(taken)
    const again = batches.ask(7)
    await settle()
    sent[1]?.answer()
    expect(await again).toBe(14)
  })
})
