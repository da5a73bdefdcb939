/** Lengths of time in options: `'30m'` reads better than 1800000 and cannot be mistaken for seconds. */

/** Milliseconds, or a whole number with a unit: `ms`, `s`, `m`, `h`, `d`. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const spelling = /^(\d{1,9})(ms|s|m|h|d)$/

/** Whole milliseconds, or `undefined` when it is not a duration (NaN, infinite, negative, fractional, misspelt). */
export function milliseconds(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? value : undefined
  const match = typeof value === 'string' ? spelling.exec(value) : null
  const unit = units[match?.[2] ?? '']
  return unit === undefined ? undefined : Number(match?.[1]) * unit
}
