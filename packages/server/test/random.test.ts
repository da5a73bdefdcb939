import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { equalSecret, randomText } from '../src/random.ts'

describe('secrets', () => {
  it('are equal only when they are the same text, whatever their length', () => {
    assert.equal(equalSecret('abc', 'abc'), true)
    for (const other of ['', 'ab', 'abcd', 'abC', 'a\u0300bc', 'x'.repeat(10_000)]) assert.equal(equalSecret(other, 'abc'), false)
  })

  it('are as long as asked and do not repeat', () => {
    const made = Array.from({ length: 1000 }, () => randomText(16))
    assert.equal(new Set(made).size, 1000)
    for (const text of made) assert.match(text, /^[\w-]{22}$/)
  })
})
