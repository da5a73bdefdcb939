/** Order statistics of a series of measurements. */

export interface Spread {
  readonly median: number
  readonly q1: number
  readonly q3: number
  readonly min: number
  readonly max: number
}

/** Linear interpolation between the two nearest ranks; NaN for an empty series. */
function quantile(sorted: readonly number[], share: number): number {
  const position = (sorted.length - 1) * share
  const below = sorted[Math.floor(position)] ?? Number.NaN
  const above = sorted[Math.ceil(position)] ?? Number.NaN
  return below + (above - below) * (position - Math.floor(position))
}

export function quantileOf(values: readonly number[], share: number): number {
  return quantile(
    values.toSorted((a, b) => a - b),
    share,
  )
}

/**
 * Mann-Whitney: the two-sided probability of a difference in ranks as great as this between two samples of one
 * distribution, by the normal approximation, good from some twenty values each. Ties, rare among times, are not corrected for.
 */
export function mannWhitney(first: readonly number[], second: readonly number[]): number {
  const ranked = [...first.map((value) => ({ value, own: 1 })), ...second.map((value) => ({ value, own: 0 }))]
  ranked.sort((a, b) => a.value - b.value)
  const rankSum = ranked.reduce((sum, { own }, at) => sum + own * (at + 1), 0)
  const [n, m] = [first.length, second.length]
  const u = rankSum - (n * (n + 1)) / 2
  const z = (u - (n * m) / 2) / Math.sqrt((n * m * (n + m + 1)) / 12)
  return 2 * upperTail(Math.abs(z))
}

/** Of the standard normal distribution: Zelen and Severo's approximation, off by less than 1e-7 (Abramowitz, Stegun 26.2.17). */
function upperTail(z: number): number {
  const t = 1 / (1 + 0.2316419 * z)
  const coefficients = [1.330274429, -1.821255978, 1.781477937, -0.356563782, 0.31938153]
  const polynomial = coefficients.reduce((sum, coefficient) => (sum + coefficient) * t, 0)
  return (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * polynomial
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  return {
    median: quantile(sorted, 0.5),
    q1: quantile(sorted, 0.25),
    q3: quantile(sorted, 0.75),
    min: quantile(sorted, 0),
    max: quantile(sorted, 1),
  }
}

/** A new array in random order. */
export function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, rank: Math.random() }))
    .toSorted((a, b) => a.rank - b.rank)
    .map(({ item }) => item)
}
