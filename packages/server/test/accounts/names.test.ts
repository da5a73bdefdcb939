import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { emailProblem, loginKey, usernameProblem } from '../../src/accounts/names.ts'

describe('login names', () => {
  it('are one name in any case, width, composition or ligature', () => {
    const same: readonly (readonly [string, string])[] = [
      ['Alice', 'aLICE'],
      ['straße', 'STRASSE'],
      ['Å', 'A\u030a'],
      ['Å', '\u212b'],
      ['file', 'ﬁle'],
      ['ABC', 'ａｂｃ'],
      ['ſam', 'sam'],
      ['ΣΑΣ', 'σας'],
      ['ẞ', 'ss'],
    ]
    for (const [a, b] of same) assert.equal(loginKey(a), loginKey(b), `${a} ${b}`)
  })

  it('stay different when they are', () => {
    assert.notEqual(loginKey('alice'), loginKey('аlice'))
    assert.notEqual(loginKey('a b'), loginKey('ab'))
  })

  it('have the same form when formed again', () => {
    for (let point = 0x20; point < 0x30000; point += 1) {
      const name = String.fromCodePoint(point)
      if (name.isWellFormed()) assert.equal(loginKey(loginKey(name)), loginKey(name), point.toString(16))
    }
  })

  it('may hold letters of any script, digits, marks and single spaces', () => {
    for (const name of ['a', 'Zoë', '李小龍', 'o’brien', 'x y', 'user+tag@mail.test', 'x'.repeat(64)])
      assert.equal(usernameProblem(name), undefined, name)
  })

  it('may not unfold to a flood or to nothing', () => {
    assert.ok(usernameProblem('\ufdfa'.repeat(64)))
    assert.ok(usernameProblem('\u3164\u200b'))
  })

  it('are addresses only with something on both sides', () => {
    assert.equal(emailProblem('a@b'), undefined)
    for (const address of ['a', '@', 'a@b@c', 'a@.b', 'a@b.', 'a b@c']) assert.ok(emailProblem(address), address)
  })
})
