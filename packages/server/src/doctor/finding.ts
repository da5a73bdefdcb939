/** What one check found. */
export interface Finding {
  readonly check: string
  /** `warning`: works, and is worth knowing. */
  readonly status: 'ok' | 'warning' | 'failed'
  readonly detail: string
}

export function ok(check: string, detail: string): Finding {
  return { check, status: 'ok', detail }
}
export function warning(check: string, detail: string): Finding {
  return { check, status: 'warning', detail }
}
export function failed(check: string, detail: string): Finding {
  return { check, status: 'failed', detail }
}

export function checkVersion(check: string, found: number, expected: number): Finding {
  if (found > expected) return failed(check, `schema version ${found} is newer than ${expected}, the newest this version knows`)
  if (found < expected) return warning(check, `schema version ${found}; the next start or \`migrate\` brings it to ${expected}`)
  return ok(check, `schema version ${found}`)
}

/** `count`: those that are enabled. */
export function checkAdministrators(count: number): Finding {
  return count === 0
    ? warning('accounts: administrators', 'none yet; the set-up link is open at each start until there is one')
    : ok('accounts: administrators', String(count))
}

/** Clocks of nodes decide when sessions end: each is compared with the store's, which all of them share. */
const tolerableSkewMs = 1000
const seriousSkewMs = 30_000

/** `offset`: the store's clock minus this node's, in ms. */
export function checkSkew(offset: number): Finding {
  const away = Math.abs(offset)
  if (away <= tolerableSkewMs) return ok('clock skew', `${away} ms from the store's clock`)
  const detail = `this clock is ${away} ms ${offset > 0 ? 'behind' : 'ahead of'} the store's: sessions end too ${offset > 0 ? 'late' : 'early'} here; run NTP`
  return away > seriousSkewMs ? failed('clock skew', detail) : warning('clock skew', detail)
}
