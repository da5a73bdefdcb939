import { describe, expect, it } from 'vitest'
import { positional } from '../../src/store/sqlite-parameters.ts'

describe('positional', () => {
  it('leaves values in their turn where each is used once', () => {
    expect(positional('SELECT ?1, ?2')).toEqual({ sql: 'SELECT ?, ?', order: null })
    expect(positional('SELECT ?')).toEqual({ sql: 'SELECT ?', order: null })
  })

  it('says which value each parameter takes where one is used twice, out of turn, or beyond nine', () => {
    expect(positional('SELECT ?2, ?1, ?2')).toEqual({ sql: 'SELECT ?, ?, ?', order: [1, 0, 1] })
    expect(positional('SELECT ?1, ?1')).toEqual({ sql: 'SELECT ?, ?', order: [0, 0] })
    expect(positional('SELECT ?11, ?1').order).toEqual([10, 0])
  })
})
