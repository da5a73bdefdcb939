import { describe, expect, it } from 'vitest'
import { Flights } from '../../src/engine/flights.ts'
import type { SessionRecord } from '../../src/store/store.ts'
import { record } from './support/records.ts'
import { deferred, settle } from './support/start.ts'

function landing() {
  const { promise, resolve, reject } = deferred<SessionRecord | undefined>()
  return { promise, land: () => resolve(record()), crash: () => reject(new Error('store')) }
}

const departure = 1_800_000_000_000
const within = (most: number) => ({ shareable: () => most })
const bound = within(1000)

describe('flights', () => {
  it('are shared by the whole credential only', () => {
    const flights = new Flights()
    const flight = flights.start('hf1_aaaa', 'a', departure, landing().promise)
    expect(flights.find('hf1_aaaa', departure, bound)).toBe(flight)
    for (const near of ['hf1_aaa', 'hf1_aaaab', 'a', '']) expect(flights.find(near, departure, bound)).toBeUndefined()
  })

  it('are not joined once they have landed or crashed', async () => {
    const flights = new Flights()
    const [first, second] = [landing(), landing()]
    flights.start('one', 'a', departure, first.promise)
    flights.start('two', 'b', departure, second.promise)
    first.land()
    second.crash()
    await settle()
    expect(flights.find('one', departure, bound)).toBeUndefined()
    expect(flights.find('two', departure, bound)).toBeUndefined()
  })

  it('are joined only while they are younger than asked, by a clock that went on', () => {
    const flights = new Flights()
    const flight = flights.start('one', 'a', departure, landing().promise)
    expect(flights.find('one', departure + 299, within(300))).toBe(flight)
    expect(flights.find('one', departure + 300, within(300))).toBeUndefined()
    expect(flights.find('one', departure - 1, within(300))).toBeUndefined()
    expect(flights.find('one', departure, within(0))).toBeUndefined()
  })

  it('are spoiled by session, and not joined from then on', () => {
    const flights = new Flights()
    const mine = flights.start('one', 'a', departure, landing().promise)
    const others = flights.start('two', 'b', departure, landing().promise)
    flights.spoil('a')
    expect([mine.spoiled, others.spoiled]).toEqual([true, false])
    expect(flights.find('one', departure, bound)).toBeUndefined()
    flights.spoilAll()
    expect(others.spoiled).toBe(true)
    expect(flights.find('two', departure, bound)).toBeUndefined()
  })

  it('are spoiled although a later flight took their place', async () => {
    const flights = new Flights()
    const { promise, land } = landing()
    const first = flights.start('one', 'a', departure, promise)
    const fresh = flights.start('one', 'a', departure, landing().promise)
    land()
    await settle()
    expect(flights.find('one', departure, bound)).toBe(fresh)
    const third = flights.start('one', 'a', departure, landing().promise)
    flights.spoil('a')
    expect([first.spoiled, fresh.spoiled, third.spoiled]).toEqual([false, true, true])
  })
})
