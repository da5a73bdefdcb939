/** Text into columns and back, without loss: PostgreSQL holds neither U+0000 nor half a surrogate pair. */

const unfit = /[\0\\\p{Cs}]/u
const everyUnfit = new RegExp(unfit, 'gu')
const escaped = /\\([0-9a-f]{4})/g

/** One text, one column value: two that differ never become equal. A prefix stays a prefix. */
export function toColumn(text: string): string {
  if (!unfit.test(text)) return text
  return text.replace(everyUnfit, (unit) => `\\${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

export function fromColumn(column: string): string {
  if (!column.includes('\\')) return column
  return column.replace(escaped, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

export const toColumnOrNull = (text: string | null): string | null => (text === null ? null : toColumn(text))
export const fromColumnOrNull = (column: string | null): string | null => (column === null ? null : fromColumn(column))
