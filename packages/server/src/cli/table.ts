/** Plain tables for people; `--json` is for programs. */
import { printable } from '../logging.ts'

export type Row = Readonly<Record<string, string>>

/** Columns as wide as their widest cell; text from outside is made printable. */
export function formatTable(rows: readonly Row[]): string {
  const [first] = rows
  if (first === undefined) return '(none)'
  const columns = Object.keys(first)
  const lines = [columns, ...rows.map((row) => columns.map((column) => printable(row[column] ?? '')))]
  const widths = columns.map((_, at) => Math.max(...lines.map((cells) => cells[at]?.length ?? 0)))
  return lines
    .map((cells) =>
      cells
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

export interface OutputOptions {
  readonly json?: boolean
}

export function print(items: readonly unknown[], rows: readonly Row[], { json = false }: OutputOptions): void {
  console.log(json ? JSON.stringify(items, null, 2) : formatTable(rows))
}
