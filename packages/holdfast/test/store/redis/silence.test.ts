import { describe, expect, it } from 'vitest'
import { Silence } from '../../../src/store/redis-silence.ts'

const silent = /answered nothing for 2000 ms/

function open() {
  const silence = new Silence()
  const held: { resolve(): void; reject(fault: Error): void }[] = []
  const send = (name = 'a') =>
    silence.watch(name, () => new Promise<void>((resolve, reject) => held.push({ resolve, reject }))).catch(() => undefined)
  return { silence, held, send }
}

describe('a connection that answers nothing', () => {
  it('is sent nothing more after two seconds, however much was sent meanwhile, and no other is meant', () => {
    const { silence, held, send } = open()
    for (let now = 0; now < 2000; now += 100) {
      void send()
      silence.look(now)
    }
    silence.look(2000)
    expect(() => send()).toThrow(silent)
    expect(held).toHaveLength(20)
    void send('b')
    expect(held).toHaveLength(21)
  })

  it.each(['resolve', 'reject'] as const)('is used again once anything that waits does %s', async (how) => {
    const { silence, held, send } = open()
    const sent = [send(), send()]
    for (const now of [0, 2000]) silence.look(now)
    expect(() => send()).toThrow(silent)
    held[1]?.[how](new Error('closed'))
    await sent[1]
    void send()
    silence.look(2001)
    silence.look(4000)
    void send()
    expect(held).toHaveLength(4)
    silence.look(4001)
    expect(() => send()).toThrow(silent)
  })

  it('is not one that is answered now and then, nor one that is asked nothing', async () => {
    const { silence, held, send } = open()
    for (let now = 0; now < 10_000; now += 1900) {
      void send()
      const sent = send()
      silence.look(now)
      held.at(-1)?.resolve()
      await sent
    }
    void send()
    const idle = open()
    for (const now of [0, 10_000]) idle.silence.look(now)
    void idle.send()
    idle.silence.look(10_000)
    void idle.send()
    expect(idle.held).toHaveLength(2)
  })
})
