import { describe, expect, it } from 'vitest'
import { checkAttributes, type StandardSchema } from '../../src/engine/schema.ts'
import type { Attributes } from '../../src/store/store.ts'

class Money {
  readonly amount: number = 1
}

function nested(levels: number): unknown {
  let value: unknown = 1
  for (let level = 0; level < levels; level += 1) value = { inner: value }
  return value
}

function schema(validate: (value: unknown) => unknown): StandardSchema<Attributes> {
  return {
    '~standard': { version: 1, vendor: 'test', validate: validate as StandardSchema<Attributes>['~standard']['validate'] },
  }
}

describe('attributes', () => {
  it('become a frozen copy, so that neither side can change the other', async () => {
    const given = { role: 'admin', tags: ['a', { deep: [1] }], gone: undefined }
    const kept = await checkAttributes(undefined, given)
    given.tags.push('b')
    given.role = 'owner'
    expect(kept).toEqual({ role: 'admin', tags: ['a', { deep: [1] }] })
    expect(() => Object.assign(kept as object, { role: 'owner' })).toThrow(TypeError)
    expect(() => (kept.tags as unknown[]).push('b')).toThrow(TypeError)
    expect(Object.isFrozen((kept.tags as unknown[])[1])).toBe(true)
  })

  it('may have no prototype, 8 levels and 8192 bytes', async () => {
    await checkAttributes(undefined, Object.assign(Object.create(null), { a: 1 }))
    await checkAttributes(undefined, nested(8))
    await checkAttributes(undefined, { a: 'x'.repeat(8192 - '{"a":""}'.length) })
  })

  it.each([
    ['not a number', { a: Number.NaN }],
    ['without end', { a: Number.POSITIVE_INFINITY }],
    ['functions', { a: () => 1 }],
    ['big integers', { a: 1n }],
    ['symbols', { a: Symbol('s') }],
    ['dates', { a: new Date(0) }],
    ['maps', { a: new Map() }],
    ['instances of classes', { a: new Money() }],
    ['nested 9 deep', nested(9)],
    ['endless', endless()],
    ['of 8193 bytes', { a: 'x'.repeat(8193 - '{"a":""}'.length) }],
    ['of 8193 bytes in UTF-8 only', { a: 'é'.repeat(4100) }],
    ['keyed __proto__', JSON.parse('{"a":{"__proto__":{"role":"admin"}}}')],
    ['a list', ['a']],
    ['a text', 'a'],
    ['null', null],
  ])('are refused when they are %s, naming the place', async (_, given) => {
    await expect(checkAttributes(undefined, given)).rejects.toMatchObject({
      code: 'invalid-request',
      fields: [{ field: expect.stringMatching(/^attributes/) }],
    })
    expect(({} as { role?: string }).role).toBeUndefined()
  })

  it('are what the validator made of them, checked again', async () => {
    const doubling = schema((value) => ({ value: { n: Number((value as { n: number }).n) * 2 } }))
    expect(await checkAttributes(doubling, { n: 4 })).toEqual({ n: 8 })
    const careless = schema(() => ({ value: { when: new Date(0) } }))
    await expect(checkAttributes(careless, {})).rejects.toMatchObject({ code: 'invalid-request' })
  })

  it('are refused with every problem that an asynchronous validator names', async () => {
    const strict = schema(() =>
      Promise.resolve({ issues: [{ message: 'too old', path: ['user', { key: 'age' }] }, { message: 'no role' }] }),
    )
    await expect(checkAttributes(strict, {})).rejects.toMatchObject({
      code: 'invalid-request',
      fields: [
        { field: 'attributes.user.age', message: 'too old' },
        { field: 'attributes', message: 'no role' },
      ],
    })
  })
})

function endless(): unknown {
  const value: { self?: unknown } = {}
  value.self = value
  return value
}
