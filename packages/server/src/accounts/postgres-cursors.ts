/** Cursors of the event trail in PostgreSQL. */
import type { CursorStore } from '../webhook/cursor.ts'

type Value = string | number
type Ask = <R extends object>(text: string, values: readonly Value[]) => Promise<R[]>

export function postgresCursors(table: string, ask: Ask): CursorStore {
  return {
    async claim(name, { holder, now, until, start }) {
      const rows = await ask<{ place: string }>(
        `INSERT INTO ${table} AS cursors (name, place, holder, held_until) VALUES ($1, $2, $3, $4)
         ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, held_until = excluded.held_until
           WHERE cursors.holder = excluded.holder OR cursors.held_until <= $5
         RETURNING place`,
        [name, start, holder, until, now],
      )
      return rows[0] === undefined ? undefined : Number(rows[0].place)
    },
    async advance(name, holder, place) {
      const sql = `UPDATE ${table} SET place = greatest(place, $1) WHERE name = $2 AND holder = $3 RETURNING place`
      return (await ask(sql, [place, name, holder])).length === 1
    },
    async release(name, holder) {
      await ask(`UPDATE ${table} SET held_until = 0 WHERE name = $1 AND holder = $2`, [name, holder])
    },
  }
}
