/** How lookups travel together to one server, and what they know of everyone-outs. */
import { describe, expect, it } from 'vitest'
import { RedisKeys, shards } from '../../../src/store/redis-keys.ts'
import { GatheredLookups } from '../../../src/store/redis-lookups.ts'
import { packRevocation } from '../../../src/store/redis-record.ts'
import { start } from '../../../src/testing/contract/check.ts'

const keys = new RedisKeys('x')
const idOf = (own: string): string => `AA${own}`
const openKey = (own: string): string => keys.open(idOf(own))

const steps = async (): Promise<void> => {
  for (let step = 0; step < 10; step += 1) await undefined
}
/** Something that is held up until it is let go. */
function hold(): { readonly promise: Promise<void>; resolve(): void } {
  let resolve = (): void => {}
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve: () => resolve() }
}
const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

interface Given {
  readonly maxInFlight?: number
  readonly answer?: unknown
  /** Called before each command is answered. */
  readonly before?: (command: readonly string[]) => unknown
}

/** A server where the text of a slot tag is its key, and `zz` cannot be decoded. */
function reading({ maxInFlight = 1000, answer, before }: Given = {}) {
  const sent: string[][] = []
  const values = new Map<string, string>()
  const send = async (_key: string, command: string[]): Promise<unknown> => {
    const [name] = command
    const asked = command.slice(1)
    const isReading = asked[1] === keys.everyone('AA')
    if (name === 'MGET' && !isReading) sent.push(asked.slice(1))
    // At once, as a server does: what happens before the answer arrives does not change it.
    const found = asked.map((key) => values.get(key) ?? (key.startsWith('xs') ? key : null))
    await before?.(isReading ? ['READ'] : command)
    return isReading ? found : (answer ?? found)
  }
  const link = {
    mode: 'single',
    opensOwn: false,
    send,
    primaries: () => [],
    primaryOf: () => undefined,
    look: () => undefined,
  } as const
  const lookups = new GatheredLookups({ link, keys, maxInFlight })
  const read = (own: string): Promise<string> =>
    lookups.read(idOf(own), (open, out) => {
      if (open === openKey('zz')) throw new Error('cannot be decoded')
      return `${open} ${out?.epoch ?? 0}`
    })
  const putOut = (stamp: string, epoch: number): void => {
    values.set(keys.stamp, stamp)
    for (const shard of shards) {
      values.set(keys.everyone(shard), String(epoch).padStart(5, '0') + packRevocation({ at: start, reason: 'everyone-out' }))
    }
  }
  return { sent, read, putOut }
}

describe('lookups', () => {
  it('that are asked at once travel as one, and each gets its own', async () => {
    const { sent, read } = reading()
    expect(await Promise.all(['aa', 'bb', 'cc'].map(read))).toEqual(['xs{AA}aa 0', 'xs{AA}bb 0', 'xs{AA}cc 0'])
    expect(sent).toEqual([['xs{AA}aa', 'xs{AA}bb', 'xs{AA}cc']])
  })

  it('of one turn that come one by one do not hold up the first, and travel together at its end', async () => {
    const { sent, read } = reading()
    const answers: Promise<string>[] = []
    for (const own of ['aa', 'bb', 'cc', 'dd']) {
      answers.push(read(own))
      await steps()
    }
    expect(sent).toEqual([['xs{AA}aa']])
    await turn()
    expect(sent).toEqual([['xs{AA}aa'], ['xs{AA}bb', 'xs{AA}cc', 'xs{AA}dd']])
    expect(await Promise.all(answers)).toEqual(['aa', 'bb', 'cc', 'dd'].map((own) => `xs{AA}${own} 0`))
    await turn()
    await read('ee')
    expect(sent.at(-1)).toEqual(['xs{AA}ee'])
  })

  it('travel by 256 where there are more', async () => {
    const { sent, read } = reading()
    await Promise.all(Array.from({ length: 600 }, (_, at) => read(`k${at}`)))
    expect(sent.map(({ length }) => length)).toEqual([256, 256, 88])
  })

  it('that cannot be decoded fail alone', async () => {
    const { read } = reading()
    const settled = await Promise.allSettled(['aa', 'zz', 'cc'].map(read))
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  })

  it.each([[['A']], ['OK'], [{}]])('fail together when the server answers %j', async (answer) => {
    const { read } = reading({ answer })
    const settled = await Promise.allSettled(['aa', 'bb'].map(read))
    expect(settled.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  })

  it('are refused when too many wait, and taken again later, faults or not', async () => {
    let isBroken = true
    const { read } = reading({
      maxInFlight: 2,
      before: () => {
        if (isBroken) throw new Error('not connected')
      },
    })
    const taken = ['aa', 'bb'].map(read)
    await expect(read('cc')).rejects.toThrow('more than 2 Redis commands')
    expect((await Promise.allSettled(taken)).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    isBroken = false
    expect(await read('cc')).toBe('xs{AA}cc 0')
  })
})

describe('everyone-outs', () => {
  it('are read once for each stamp', async () => {
    let readings = 0
    const { read, putOut } = reading({
      before: ([name]) => {
        if (name === 'READ') readings += 1
      },
    })
    for (let time = 0; time < 3; time += 1) expect(await read('aa')).toBe('xs{AA}aa 0')
    expect(readings).toBe(1)
    putOut('first', 1)
    for (let time = 0; time < 3; time += 1) expect(await read('aa')).toBe('xs{AA}aa 1')
    expect(readings).toBe(2)
    // A failover that forgot the first, and another one after it.
    putOut('second', 1)
    putOut('third', 2)
    expect(await read('aa')).toBe('xs{AA}aa 2')
  })

  it('that come while others are read are seen by who asked after them', async () => {
    const held = hold()
    let readings = 0
    const { read, putOut } = reading({
      before: ([name]) => {
        if (name !== 'READ') return undefined
        readings += 1
        return readings === 1 ? held.promise : undefined
      },
    })
    const early = read('aa')
    await turn()
    await turn()
    expect(readings).toBe(1)
    putOut('first', 1)
    const late = read('bb')
    await turn()
    await turn()
    held.resolve()
    expect(await early).toBe('xs{AA}aa 0')
    expect(await late).toBe('xs{AA}bb 1')
    expect(await read('cc')).toBe('xs{AA}cc 1')
  })

  it('are read anew by whoever waited for a reading that failed', async () => {
    const held = hold()
    let readings = 0
    const { read } = reading({
      before: async ([name]) => {
        if (name !== 'READ') return
        readings += 1
        if (readings > 1) return
        await held.promise
        throw new Error('the connection was lost')
      },
    })
    const first = read('aa')
    await turn()
    await turn()
    const second = read('bb')
    await turn()
    await turn()
    held.resolve()
    await expect(first).rejects.toThrow('lost')
    expect(await second).toBe('xs{AA}bb 0')
  })
})
