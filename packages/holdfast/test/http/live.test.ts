/** How long a reader may take nothing, to the millisecond: by the fake clock, without a connection. */
import { describe, expect, it } from 'vitest'
import { Live, type LiveMember } from '../../src/http/live.ts'
import { fakeClock } from '../../src/testing/clock.ts'

const settings = {
  perSession: 20,
  perSource: 256,
  total: 20_000,
  maxBuffered: 1024,
  heartbeat: 15_000,
  writeTimeout: 10_000,
  maxAge: 3_600_000,
}

class Reader implements LiveMember {
  readonly session = { id: 'session' }
  readonly source = '192.0.2.1'
  buffered = 0
  written = 0
  readonly told: string[] = []
  taken = () => void this.told.push('taken')
  beat = () => void this.told.push('beat')
  stalled = () => void this.told.push('stalled')
  retire = () => void this.told.push('retire')
  cut = () => void this.told.push('cut')
}

function open() {
  const clock = fakeClock()
  const live = new Live(settings, clock)
  const reader = new Reader()
  live.admit(reader.session.id, reader.source)
  live.join(reader)
  const write = (bytes: number) => {
    reader.written += bytes
    reader.buffered += bytes
    live.wrote(reader)
  }
  return { clock, live, reader, write }
}

describe('a reader for whom something waits', () => {
  it('is cut off when it has taken nothing for as long as it may, and not before', () => {
    const { clock, reader, write } = open()
    write(100)
    clock.advance(9999)
    expect(reader.told).not.toContain('stalled')
    clock.advance(1)
    expect(reader.told).toContain('stalled')
  })

  it('has its whole time again whenever it takes a part', () => {
    const { clock, reader, write } = open()
    write(100)
    for (let part = 0; part < 5; part += 1) {
      clock.advance(9000)
      reader.buffered -= 10
    }
    expect(reader.told).not.toContain('stalled')
    clock.advance(11_000)
    expect(reader.told).toContain('stalled')
  })

  it('gains no time by what is written besides', () => {
    const { clock, reader, write } = open()
    write(100)
    for (let second = 0; second < 10; second += 1) {
      clock.advance(1000)
      write(1)
    }
    expect(reader.told).toContain('stalled')
  })

  it('gains no more than its whole time by a clock that is set back', () => {
    const { clock, reader, write } = open()
    write(100)
    clock.advance(9000)
    clock.jumpTo(clock.now() - 3_600_000)
    clock.advance(11_000)
    expect(reader.told).toContain('stalled')
  })

  it('is left in peace once it has taken all', () => {
    const { clock, reader, write } = open()
    write(100)
    clock.advance(9000)
    reader.buffered = 0
    clock.advance(60_000)
    expect(reader.told).toContain('taken')
    expect(reader.told).not.toContain('stalled')
  })

  it('is watched no more when it has left, and no timer is left then', () => {
    const { clock, live, reader, write } = open()
    write(100)
    live.leave(reader)
    clock.advance(60_000)
    expect([reader.told, live.count, clock.pending]).toEqual([[], 0, 0])
  })
})

describe('an open connection', () => {
  it('is written to once in each period, and made to connect again after its time', () => {
    const { clock, reader } = open()
    clock.advance(60_000)
    expect(reader.told).toEqual(['beat', 'beat', 'beat', 'beat'])
    clock.advance(settings.maxAge)
    expect(reader.told.filter((what) => what === 'retire').length).toBeGreaterThan(0)
  })
})
