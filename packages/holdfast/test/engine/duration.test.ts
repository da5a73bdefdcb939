import { expect, it } from 'vitest'
import { milliseconds } from '../../src/engine/duration.ts'

it.each([
  [0, 0],
  [1500, 1500],
  ['0s', 0],
  ['250ms', 250],
  ['10s', 10_000],
  ['30m', 1_800_000],
  ['12h', 43_200_000],
  ['30d', 2_592_000_000],
  ['999999999d', 999_999_999 * 86_400_000],
])('%s is %d milliseconds', (given, ms) => {
  expect(milliseconds(given)).toBe(ms)
})

it.each([
  Number.NaN,
  Number.POSITIVE_INFINITY,
  -1,
  1.5,
  2 ** 53,
  '',
  '30',
  '30 m',
  ' 30m',
  '30m\n',
  '-5m',
  '1.5h',
  '1e3s',
  '30M',
  '30min',
  '٣m',
  '9999999999s',
  null,
  undefined,
  true,
  {},
  [1000],
  new Date(0),
  10n,
])('%s is no duration', (given) => {
  expect(milliseconds(given)).toBeUndefined()
})
