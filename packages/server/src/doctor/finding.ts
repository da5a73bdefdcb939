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
