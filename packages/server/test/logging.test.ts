import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { createLogger, printable } from '../src/logging.ts'
import { logEvent } from '../src/security-log.ts'
import { logSink } from './harness.ts'

describe('printable text', () => {
  it('has no character that moves, hides or reverses what is around it', () => {
    assert.equal(printable('a\nb\r\u0000\u001b[31m'), 'a\\u{a}b\\u{d}\\u{0}\\u{1b}[31m')
    assert.equal(
      printable('\u202eevil\u2066\u200b\u2028\ufeff\u009b'),
      '\\u{202e}evil\\u{2066}\\u{200b}\\u{2028}\\u{feff}\\u{9b}',
    )
    assert.equal(printable('\ud800x'), '\\u{d800}x')
    assert.equal(printable('Zoë 李 🦒'), 'Zoë 李 🦒')
  })

  it('is bounded', () => assert.ok(printable('x'.repeat(100_000)).length <= 257))
})

describe('the log', () => {
  it('masks what must not be in it, wherever it is put', () => {
    const sink = logSink()
    const logger = createLogger({ format: 'json', level: 'info' }, sink.stream)
    logger.info(
      { password: 'canary', body: { newPassword: 'canary' }, req: { headers: { cookie: 'canary', authorization: 'canary' } } },
      'x',
    )
    logger.info({ res: { headers: { 'set-cookie': 'canary' } }, token: 'canary' }, 'x')
    assert.doesNotMatch(sink.text(), /canary/)
  })

  it('tells a fault with its cause and place, and its message made safe', () => {
    const sink = logSink()
    const logger = createLogger({ format: 'json', level: 'info' }, sink.stream)
    logger.error(
      { err: new TypeError('bad\n{"level":"fatal"}', { cause: Object.assign(new Error('below'), { code: 'EIO' }) }) },
      'x',
    )
    const [line] = sink.lines() as [{ err: { type: string; message: string; at: string[]; cause: { code: string } } }]
    assert.equal(line.err.type, 'TypeError')
    assert.equal(line.err.message, 'bad\\u{a}{"level":"fatal"}')
    assert.ok(line.err.at.length > 0)
    assert.equal(line.err.cause.code, 'EIO')
  })

  it('survives what is no error', () => {
    const sink = logSink()
    const logger = createLogger({ format: 'json', level: 'info' }, sink.stream)
    for (const thrown of [null, undefined, 'text with canary', 5, {}]) logger.error({ err: thrown }, 'x')
    assert.equal(sink.lines().length, 5)
    assert.doesNotMatch(sink.text(), /canary/)
  })

  it('is readable when asked to be pretty', () => {
    const sink = logSink()
    createLogger({ format: 'pretty', level: 'info' }, sink.stream).info({ a: 1 }, 'Hello')
    assert.match(sink.text(), /INFO.*Hello/)
  })

  it.each(['pretty', 'json'] as const)('lets no field of a security event forge, move or hide a line (%s)', (format) => {
    const sink = logSink()
    const hostile = 'a\n[09:00:00] INFO: forged\r\u001b[2J\u202e\u2066\u2028\u200b\u009b'
    const fields = { session: hostile, subject: hostile, actor: hostile, ip: hostile, object: hostile, reason: hostile }
    logEvent(createLogger({ format, level: 'info' }, sink.stream), {
      schema: 1,
      at: 0,
      kind: 'authz_fail',
      ...fields,
      outcome: hostile,
    })
    assert.doesNotMatch(sink.text().replaceAll('\n', ''), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
    assert.doesNotMatch(sink.text(), /^\[09:00:00\] INFO: forged/m)
  })

  it('keeps to its level', () => {
    const sink = logSink()
    const logger = createLogger({ format: 'json', level: 'warn' }, sink.stream)
    logger.info('no')
    logger.warn('yes')
    assert.deepEqual(
      sink.lines().map(({ msg }) => msg),
      ['yes'],
    )
  })
})
