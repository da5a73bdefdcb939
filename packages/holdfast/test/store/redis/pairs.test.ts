/** How reads of two keys travel together to one server. */
import { describe, expect, it } from 'vitest'
import { PairReader } from '../../../src/store/redis-pairs.ts'

const steps = async (): Promise<void> => {
  for (let step = 0; step < 10; step += 1) await undefined
}
const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** A server where each key's value is its name in capitals, and `damaged` cannot be decoded. */
function reading({ maxInFlight = 1000, answer }: { maxInFlight?: number; answer?: unknown } = {}) {
  const sent: string[][] = []
  const send = async (command: string[]): Promise<unknown> => {
    sent.push(command.slice(1))
    return answer ?? command.slice(1).map((key) => key.toUpperCase())
  }
  const reader = new PairReader({ send, maxInFlight })
  const decode = (first: unknown, second: unknown): string => {
    if (first === 'DAMAGED') throw new Error('cannot be decoded')
    return `${first} ${second}`
  }
  return { sent, read: (first: string) => reader.read(first, 'x', decode) }
}

describe('reads of two keys', () => {
  it('that are asked at once travel as one, and each gets its own', async () => {
    const { sent, read } = reading()
    expect(await Promise.all(['a', 'b', 'c'].map(read))).toEqual(['A X', 'B X', 'C X'])
    expect(sent).toEqual([['a', 'x', 'b', 'x', 'c', 'x']])
  })

  it('of one turn that come one by one do not hold up the first, and travel together at its end', async () => {
    const { sent, read } = reading()
    const answers: Promise<string>[] = []
    for (const key of ['a', 'b', 'c', 'd']) {
      answers.push(read(key))
      await steps()
    }
    expect(sent).toEqual([['a', 'x']])
    await turn()
    expect(sent).toEqual([
      ['a', 'x'],
      ['b', 'x', 'c', 'x', 'd', 'x'],
    ])
    expect(await Promise.all(answers)).toEqual(['A X', 'B X', 'C X', 'D X'])
    await turn()
    await read('e')
    expect(sent.at(-1)).toEqual(['e', 'x'])
  })

  it('travel by 256 where there are more', async () => {
    const { sent, read } = reading()
    await Promise.all(Array.from({ length: 600 }, (_, at) => read(`k${at}`)))
    expect(sent.map(({ length }) => length / 2)).toEqual([256, 256, 88])
  })

  it('that cannot be decoded fail alone', async () => {
    const { read } = reading()
    const settled = await Promise.allSettled(['a', 'damaged', 'c'].map(read))
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  })

  it.each([[['A']], ['OK'], [{}]])('fail together when the server answers %j', async (answer) => {
    const { read } = reading({ answer })
    const settled = await Promise.allSettled(['a', 'b'].map(read))
    expect(settled.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  })

  it('are refused when too many wait, and taken again later', async () => {
    const { read } = reading({ maxInFlight: 2 })
    const taken = ['a', 'b'].map(read)
    await expect(read('c')).rejects.toThrow('more than 2 Redis commands')
    await Promise.all(taken)
    expect(await read('c')).toBe('C X')
  })
})
