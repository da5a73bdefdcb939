import { describe, expect, it } from 'vitest'
import { type EngineOptions, engineOptionNames, parseEngineOptions } from '../../src/engine/options.ts'
import type { FieldProblem } from '../../src/shared/wire.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { Attributes } from '../../src/store/store.ts'
import { day, hour, minute, newerSecret, second, secret } from './support/start.ts'

const store = memoryStore()

function parse(options: Record<string, unknown> = {}) {
  const problems: FieldProblem[] = []
  const given = { secret, store, ...options } as unknown as EngineOptions<Attributes>
  const settings = parseEngineOptions(given, (problem) => problems.push(problem))
  return { settings, problems, fields: problems.map(({ field }) => field) }
}

/** Passed over, each would leave the default in force, with nobody told. */
const misspelt: readonly [options: Record<string, unknown>, field: string, message: string][] = [
  [{ limits: { signedin: { idle: '5m' } } }, 'limits.signedin', 'is not an option'],
  [{ limits: { signedIn: { idel: '5m' } } }, 'limits.signedIn.idel', 'is not an option'],
  [{ limits: '5m' }, 'limits', 'must be an object'],
  [{ limits: { anonymous: '5m' } }, 'limits.anonymous', 'must be an object'],
  [{ sessionsPerSubject: { maximum: 1 } }, 'sessionsPerSubject.maximum', 'is not an option'],
  [{ sessionsPerSubject: 1 }, 'sessionsPerSubject', 'must be an object'],
  [{ breaker: { fault: 3 } }, 'breaker.fault', 'is not an option'],
  [{ breaker: null }, 'breaker', 'must be an object'],
  [{ tokens: { lifetime: '5m' } }, 'tokens.lifetime', 'is not an option'],
  [{ tokens: '5m' }, 'tokens', 'must be an object'],
]

describe('engine options', () => {
  it.each(misspelt)('pass over nothing: %j', (options, field, message) => {
    expect(parse(options).problems).toEqual([{ field, message }])
  })

  it('default to the documented policy', () => {
    const { settings, problems } = parse()
    expect(problems).toEqual([])
    expect(settings).toMatchObject({
      secrets: [secret],
      limits: {
        signedIn: { idle: 30 * minute, absolute: 12 * hour },
        remembered: { idle: 14 * day, absolute: 30 * day },
        anonymous: { idle: 10 * minute, absolute: 24 * hour },
      },
      cap: { max: 5, whenFull: 'evict-oldest' },
      anonymousMost: 100_000,
      fingerprint: 'deny',
      ipChange: 'log',
      elevation: 10 * minute,
      stepUpGrace: 10 * second,
      checkDeadline: 500,
      writeDeadline: 2 * second,
      durableRevocation: 'accept',
      breaker: { faults: 10, pause: 500 },
      maxInFlight: 2000,
      maxStaleness: second,
      rememberedChecks: 10_000,
      retention: day,
      sweepEvery: 5 * minute,
    })
    expect(Object.isFrozen(settings)).toBe(true)
  })

  it('are named in one list', () => {
    const { settings } = parse()
    const inSettings = Object.keys(settings).map((name) => ({ secrets: 'secret', cap: 'sessionsPerSubject' })[name] ?? name)
    expect([...engineOptionNames].sort()).toEqual([...inSettings, 'store'].sort())
  })

  it('are told with every problem at once', () => {
    const { fields } = parse({
      secret: ['short', newerSecret, newerSecret],
      store: { get: () => undefined },
      limits: { signedIn: { idle: '2h', absolute: '1h' }, remembered: { idle: 'soon' }, anonymous: { absolute: 0 } },
      sessionsPerSubject: { max: 0, whenFull: 'evict-all' },
      anonymousMost: 0,
      fingerprint: true,
      ipChange: 'DENY',
      elevation: '2d',
      stepUpGrace: '2m',
      checkDeadline: 5,
      writeDeadline: Number.POSITIVE_INFINITY,
      durableRevocation: 'maybe',
      breaker: { faults: 0, pause: '2m' },
      maxInFlight: 0,
      maxStaleness: '61s',
      rememberedChecks: -1,
      retention: -1,
      sweepEvery: '500ms',
      attributes: {},
      clock: { now: () => 0 },
      random: 4,
      onFault: 'log',
    })
    expect(new Set(fields)).toEqual(
      new Set([
        'secret[0]',
        'secret',
        'store',
        'limits.signedIn',
        'limits.remembered.idle',
        'limits.anonymous.absolute',
        'sessionsPerSubject.max',
        'sessionsPerSubject.whenFull',
        'anonymousMost',
        'fingerprint',
        'ipChange',
        'elevation',
        'stepUpGrace',
        'checkDeadline',
        'writeDeadline',
        'durableRevocation',
        'breaker.faults',
        'breaker.pause',
        'maxInFlight',
        'maxStaleness',
        'rememberedChecks',
        'retention',
        'sweepEvery',
        'attributes',
        'clock',
        'random',
        'onFault',
      ]),
    )
  })

  it.each([undefined, '', [], [undefined], [secret, ''], Array.from({ length: 11 }, (_, at) => `${secret}${at}`)])(
    'refuse %j as the secret',
    (given) => {
      expect(parse({ secret: given }).fields.some((field) => field.startsWith('secret'))).toBe(true)
    },
  )

  it('never repeat a secret in a problem', () => {
    const { problems } = parse({ secret: ['tiny-Kz81-secret', `change-me-${secret}`, secret, secret] })
    expect(problems.length).toBeGreaterThan(2)
    expect(JSON.stringify(problems)).not.toMatch(/Kz81|k3Jq/)
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY, -1, '1y', '401d', null, {}])('refuse %s as a limit', (bad) => {
    for (const kind of ['signedIn', 'remembered', 'anonymous']) {
      for (const which of ['idle', 'absolute']) {
        expect(parse({ limits: { [kind]: { [which]: bad } } }).fields).toContain(`limits.${kind}.${which}`)
      }
    }
  })

  it.each([
    [{ grace: '1m', accessLifetime: '1m' }, 'tokens.grace'],
    [{ accessLifetime: '2h', idle: '1h' }, 'tokens.accessLifetime'],
    [{ idle: '2d', absolute: '1d' }, 'tokens.idle'],
  ])('keep the limits of tokens in their order: %j', (tokens, field) => {
    expect(parse({ tokens }).fields).toEqual([field])
  })

  it('allow idle equal to absolute, no cap, no grace and no memory', () => {
    const { settings, problems } = parse({
      limits: { signedIn: { idle: '1h', absolute: '1h' } },
      sessionsPerSubject: 'unlimited',
      stepUpGrace: 0,
      rememberedChecks: 0,
      maxStaleness: 0,
      retention: 0,
    })
    expect(problems).toEqual([])
    expect(settings.cap).toBeNull()
  })

  it.each([4, 'off', false])('refuse %s as the breaker', (bad) => {
    expect(parse({ breaker: bad }).fields).toContain('breaker')
  })

  it('hold a step-up within the absolute limit', () => {
    expect(parse({ limits: { signedIn: { idle: '1m', absolute: '5m' } } }).fields).toEqual(['elevation'])
  })
})
