import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { commonWords } from '../../src/passwords/common-words.ts'
import { isGuessable } from '../../src/passwords/guessable.ts'
import { passwordProblem } from '../../src/passwords/policy.ts'

const owner = { username: 'marigold', email: 'sunny.fields@mail.test' }

describe('the password policy', () => {
  it('counts characters, not bytes or UTF-16 units', () => {
    const emoji = ['🦒', '🌵', '🚲', '🎹', '🪁', '🧭', '🍋', '🐙', '🪴', '🎲', '🛶', '🔭', '🧶', '🥁', '🪐']
    assert.equal(passwordProblem(emoji.join(''), owner), undefined)
    assert.match(passwordProblem(emoji.slice(1).join(''), owner) ?? '', /at least 15 characters; it has 14/)
    // Composed and decomposed spellings have one length.
    assert.match(passwordProblem('e\u0301'.repeat(7), owner) ?? '', /it has 7/)
  })

  it('has limits of 15 and 256', () => {
    const text = (length: number) =>
      'kqzvw7 rm2xj '
        .repeat(30)
        .slice(0, length - 1)
        .concat('!')
    assert.match(passwordProblem(text(14), owner) ?? '', /at least 15/)
    assert.equal(passwordProblem(text(15), owner), undefined)
    assert.equal(passwordProblem(text(256), owner), undefined)
    assert.match(passwordProblem(text(257), owner) ?? '', /at most 256/)
  })

  const good = [
    'correct horse battery staple',
    'tall giraffes read quietly',
    'xkq81-pfz0w-mmtd',
    'all lower case letters',
    '   spaces   around   it   ',
    'пять тихих ламп горят',
    '五盞安靜的燈在夜裡發光很久很久呢',
    'monkey dragon sunshine pie',
    '!#%&*(){}[]<>?/+',
    'x\u0000y nul inside is fine',
  ]
  it.each(good)('accepts %j', (password) => assert.equal(passwordProblem(password, owner), undefined))

  const guessable = [
    'passwordpassword',
    'PASSWORDPASSWORD',
    'Password1Password',
    'P@ssw0rdP@ssw0rd',
    'password12345678',
    'iloveyouiloveyou1',
    'qwertyuiopasdfghjkl',
    '1qaz2wsx3edc4rfv',
    'abcdefghijklmnop',
    'ponmlkjihgfedcba',
    '123456789012345678',
    '098765432109876',
    'aaaaaaaaaaaaaaaaa',
    'abababababababab',
    'xyz12xyz12xyz12xyz12',
    'marigoldmarigold',
    'marigold-password',
    'sunny.fields-2024',
    'holdfast-holdfast',
    'Holdfast123456789',
    'administrator!!!!',
    'Summer2024Summer2024',
    'welcome-welcome-1',
    'ｐａｓｓｗｏｒｄｐａｓｓｗｏｒｄ',
  ]
  it.each(guessable)('refuses %j as too easy to guess', (password) => {
    assert.match(passwordProblem(password, owner) ?? '', /too easy to guess/)
  })

  it('refuses the name of the account for its owner only', () => {
    assert.equal(isGuessable('zebulonqx-zebulonqx', ['zebulonqx']), true)
    assert.equal(isGuessable('zebulonqx-zebulonqx', ['alice']), false)
  })

  it('refuses text that two spellings of bytes could stand for', () => {
    assert.match(passwordProblem('\ud800 and enough characters', owner) ?? '', /well-formed/)
  })

  it('judges the longest password in a few milliseconds, whatever it is made of', () => {
    for (const unit of ['qwerty', 'a1', '0', 'password', '😀', 'zyx9']) {
      const start = performance.now()
      isGuessable(unit.repeat(256).slice(0, 512), ['a'.repeat(64), 'b'.repeat(128)])
      assert.ok(performance.now() - start < 500)
    }
  })

  it('has a list of hundreds of words, each of four characters or more, in lower case', () => {
    assert.ok(commonWords.size > 500)
    for (const word of commonWords) assert.ok(word.length >= 4 && word === word.toLowerCase())
  })
})
