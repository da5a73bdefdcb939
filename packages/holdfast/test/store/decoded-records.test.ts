/** Answers that were decoded before, and what may not be taken for one of them. */
import { describe, expect, it } from 'vitest'
import { DecodedRecords } from '../../src/store/decoded-records.ts'
import type { SessionId, SessionRecord } from '../../src/store/store.ts'
import { fullSample, sampleId } from '../../src/testing/contract/check.ts'

const kind = { isSame: (a: string, b: string) => a === b, lengthOf: (text: string) => text.length }
const idOf = (number: number): SessionId => sampleId(number)

/** Answers are labels; counts what is decoded. */
function decoding(most = 8) {
  const records = new DecodedRecords<string>(kind, most)
  const decoded: string[] = []
  const of = (number: number, answer = `answer ${number}`): SessionRecord | undefined =>
    records.of(idOf(number), answer, (label): SessionRecord | undefined => {
      decoded.push(label)
      if (label === 'damaged') throw new Error('damaged')
      return label === 'not here' ? undefined : { ...structuredClone(fullSample(number)), label }
    })
  const drop = (number: number) => records.drop(idOf(number))
  const find = (number: number, held?: SessionRecord) => records.find(idOf(number), held)
  return { of, drop, find, decoded }
}

describe('a record whose stored form is the same as before', () => {
  it('is the very object that it was decoded into', () => {
    const { of, decoded } = decoding()
    const first = of(1)
    expect(first).toMatchObject({ id: idOf(1), label: 'answer 1' })
    expect(of(1)).toBe(first)
    expect(decoded).toEqual(['answer 1'])
  })

  it('cannot be changed by those who share it, all the way down', () => {
    const { of } = decoding()
    const record = of(1)
    const seen: unknown[] = [record]
    for (const each of seen) {
      if (typeof each !== 'object' || each === null) continue
      expect(Object.isFrozen(each)).toBe(true)
      seen.push(...Object.values(each))
    }
    expect(seen.length).toBeGreaterThan(30)
  })

  it('stays at hand while it is asked for, however many others come', () => {
    const { of, decoded } = decoding(2)
    for (let number = 2; number < 20; number += 1) {
      of(1)
      of(number)
    }
    expect(decoded.filter((label) => label === 'answer 1')).toHaveLength(1)
  })
})

describe('what is stored', () => {
  it('is decoded anew as soon as anything of it differs, and that counts from then on', () => {
    const { of, decoded } = decoding()
    of(1, 'before')
    expect(of(1, 'after')?.label).toBe('after')
    expect(of(1, 'after')?.label).toBe('after')
    expect(of(1, 'before')?.label).toBe('before')
    expect(decoded).toEqual(['before', 'after', 'before'])
  })

  it('is of one session, though another has the same', () => {
    const { of } = decoding()
    expect([of(1, 'same')?.id, of(2, 'same')?.id]).toEqual([idOf(1), idOf(2)])
  })

  it('is no record where there is none, and a fault each time where it is damaged', () => {
    const { of, decoded } = decoding()
    for (let time = 0; time < 2; time += 1) {
      expect(of(1, 'not here')).toBeUndefined()
      expect(() => of(1, 'damaged')).toThrow('damaged')
    }
    expect(decoded).toHaveLength(4)
  })
})

describe('a record that the caller holds', () => {
  it('is found by itself as by its id', () => {
    const { of, find } = decoding()
    const held = of(1)
    expect(find(1, held)).toBe(find(1))
    expect(find(1, held)).toMatchObject({ answer: 'answer 1', record: held })
  })

  it('stays at hand while it is found by that, however many others come', () => {
    const { of, find, decoded } = decoding(2)
    const held = of(1)
    for (let number = 2; number < 20; number += 1) {
      find(1, held)
      of(number)
    }
    of(1)
    expect(decoded.filter((label) => label === 'answer 1')).toHaveLength(1)
  })

  it('is not taken for another session', () => {
    const { of, find } = decoding()
    const [one, two] = [of(1), of(2)]
    expect(find(2, one)?.record).toBe(two)
    expect(find(3, one)).toBeUndefined()
  })

  it('vouches for nothing once it was dropped, replaced by a later one, or had to go', () => {
    const { of, drop, find } = decoding(2)
    const dropped = of(1)
    drop(1)
    expect(find(1, dropped)).toBeUndefined()
    const replaced = of(1, 'before')
    const later = of(1, 'after')
    expect(find(1, replaced)?.record).toBe(later)
    drop(1)
    expect([find(1, replaced), find(1, later)]).toEqual([undefined, undefined])
    const gone = of(2)
    for (let number = 3; number < 20; number += 1) of(number)
    expect([find(2), find(2, gone)]).toEqual([undefined, undefined])
  })

  it('is nothing to those who did not decode it, nor is a copy of it', () => {
    const [mine, others] = [decoding(), decoding()]
    const held = mine.of(1)
    expect(others.find(1, held)).toBeUndefined()
    mine.drop(1)
    const again = mine.of(1)
    expect(mine.find(1, held && { ...held })?.record).toBe(again)
    expect(JSON.stringify(again)).toBe(JSON.stringify(held))
    expect(Reflect.ownKeys(again ?? {})).toEqual(Reflect.ownKeys({ ...held }))
  })
})

describe('memory', () => {
  it('holds so many, and lets go of what nobody asks for', () => {
    const { of, decoded } = decoding(2)
    for (let number = 1; number <= 5; number += 1) of(number)
    of(1)
    of(5)
    expect(decoded.filter((label) => label === 'answer 1')).toHaveLength(2)
    expect(decoded.filter((label) => label === 'answer 5')).toHaveLength(1)
  })

  it('serves all while there is room, and gives up a few for those that come on top', () => {
    const { of, decoded } = decoding(50)
    for (let time = 0; time < 3; time += 1) for (let number = 1; number <= 50; number += 1) of(number)
    expect(decoded).toHaveLength(50)
    for (let number = 1; number <= 50; number += 1) of(number)
    of(51)
    of(52)
    expect(decoded).toHaveLength(52)
    for (let number = 1; number <= 50; number += 1) of(number)
    expect(decoded.length).toBeLessThanOrEqual(60)
  })

  it('has nothing of what was dropped', () => {
    const { of, drop, decoded } = decoding(2)
    for (const number of [1, 2]) of(number)
    for (const number of [1, 2]) drop(number)
    for (const number of [1, 2]) of(number)
    expect(decoded).toHaveLength(4)
  })

  it('is not given to what clients made long', () => {
    const { of, decoded } = decoding()
    for (const length of [2048, 2049]) {
      of(1, 'x'.repeat(length))
      of(1, 'x'.repeat(length))
    }
    expect(decoded.map(({ length }) => length)).toEqual([2048, 2049, 2049])
  })
})
