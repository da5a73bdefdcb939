import { describe, expect, it } from 'vitest'
import { Flights } from '../../src/engine/flights.ts'

/** A lookup that does not come back here. */
const record: Promise<undefined> = new Promise(() => undefined)

const departure = 1_800_000_000_000
const within = (most: number) => ({ shareable: () => most })
const bound = within(1000)

describe('flights', () => {
  it('are shared by the whole credential only', () => {
    const flights = new Flights()
    const flight = flights.start('hf1_aaaa', 'a', departure, record)
    expect(flights.join('hf1_aaaa', departure, bound)).toBe(flight)
    for (const near of ['hf1_aaa', 'hf1_aaaab', 'a', '']) expect(flights.join(near, departure, bound)).toBeUndefined()
  })

  it('are not joined once the first check has left', () => {
    const flights = new Flights()
    flights.leave(flights.start('one', 'a', departure, record))
    expect(flights.join('one', departure, bound)).toBeUndefined()
  })

  it('are joined only while they are younger than asked, by a clock that went on', () => {
    const flights = new Flights()
    const flight = flights.start('one', 'a', departure, record)
    expect(flights.join('one', departure + 299, within(300))).toBe(flight)
    expect(flights.join('one', departure + 300, within(300))).toBeUndefined()
    expect(flights.join('one', departure - 1, within(300))).toBeUndefined()
    expect(flights.join('one', departure, within(0))).toBeUndefined()
  })

  it('are spoiled by session, and not joined from then on', () => {
    const flights = new Flights()
    const mine = flights.start('one', 'a', departure, record)
    const others = flights.start('two', 'b', departure, record)
    flights.spoil('a')
    expect([flights.isSpoiled(mine), flights.isSpoiled(others)]).toEqual([true, false])
    expect(flights.join('one', departure, bound)).toBeUndefined()
    flights.spoilAll()
    expect(flights.isSpoiled(others)).toBe(true)
    expect(flights.join('two', departure, bound)).toBeUndefined()
  })

  it('that leave after the change are not spoiled by it', () => {
    const flights = new Flights()
    const before = flights.start('one', 'a', departure, record)
    flights.spoil('a')
    const between = flights.start('one', 'a', departure, record)
    expect([flights.isSpoiled(before), flights.isSpoiled(between)]).toEqual([true, false])
    expect(flights.join('one', departure, bound)).toBe(between)
    flights.spoilAll()
    const after = flights.start('one', 'a', departure, record)
    expect([flights.isSpoiled(between), flights.isSpoiled(after)]).toEqual([true, false])
  })

  it('are spoiled although a later flight took their place', () => {
    const flights = new Flights()
    const first = flights.start('one', 'a', departure, record)
    expect(flights.join('one', departure + 1000, bound)).toBeUndefined()
    const later = flights.start('one', 'a', departure + 1000, record)
    flights.leave(first)
    expect(flights.join('one', departure + 1000, bound)).toBe(later)
    flights.spoil('a')
    expect([flights.isSpoiled(first), flights.isSpoiled(later)]).toEqual([true, true])
  })

  it("that go alone are joined by nobody, take nobody's place, and are spoiled like any other", () => {
    const flights = new Flights()
    const alone = flights.startAlone('one', 'a', departure, record)
    expect(flights.join('one', departure, bound)).toBeUndefined()
    const open = flights.start('one', 'a', departure, record)
    flights.leave(flights.startAlone('one', 'a', departure, record))
    expect(flights.join('one', departure, bound)).toBe(open)
    flights.spoil('a')
    expect(flights.isSpoiled(alone)).toBe(true)
  })

  it('stay spoiled for the last check that shares them, though others have left', () => {
    const flights = new Flights()
    const flight = flights.start('one', 'a', departure, record)
    flights.join('one', departure, bound)
    flights.spoil('a')
    flights.leave(flight)
    expect(flights.isSpoiled(flight)).toBe(true)
  })

  it('are spoiled by what the bound tells as it is asked', () => {
    const flights = new Flights()
    flights.start('one', 'a', departure, record)
    const shareable = () => {
      flights.spoil('a')
      return 1000
    }
    expect(flights.join('one', departure, { shareable })).toBeUndefined()
  })

  it('all are spoiled by more changes than are noted by name', () => {
    const flights = new Flights()
    const flight = flights.start('one', 'a', departure, record)
    for (let at = 0; at < 1024; at += 1) flights.spoil(`other ${at}`)
    expect(flights.isSpoiled(flight)).toBe(false)
    flights.spoil('one more')
    expect(flights.isSpoiled(flight)).toBe(true)
    expect(flights.isSpoiled(flights.start('two', 'b', departure, record))).toBe(false)
  })
})
