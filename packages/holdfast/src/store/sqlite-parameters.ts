/** Numbered parameters, for statements that use a value more than once. */

export interface Positional {
  readonly sql: string
  /** For each `?` of the statement, which of the given values it takes; null when that is each in its turn. */
  readonly order: readonly number[] | null
}

/** Rewrites `?1`, `?2` … as plain `?`: `node:sqlite` binds numbered ones only since Node 22.20. */
export function positional(sql: string): Positional {
  const order: number[] = []
  const text = sql.replace(/\?(\d+)/g, (_, number: string) => {
    order.push(Number(number) - 1)
    return '?'
  })
  return { sql: text, order: order.every((value, at) => value === at) ? null : order }
}
