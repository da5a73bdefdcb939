/** Cursors of the event trail in SQLite. */
import type { DatabaseSync } from 'node:sqlite'
import type { CursorStore } from '../webhook/cursor.ts'

/** `guarded`: makes a fault of the database one of ours. */
export function sqliteCursors(database: DatabaseSync, guarded: <T>(run: () => T) => T): CursorStore {
  return {
    claim: (name, { holder, now, until, start }) =>
      guarded(() => {
        const row = database
          .prepare(
            `INSERT INTO event_cursors (name, place, holder, held_until) VALUES (?, ?, ?, ?)
             ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, held_until = excluded.held_until
               WHERE event_cursors.holder = excluded.holder OR event_cursors.held_until <= ?
             RETURNING place`,
          )
          .get(name, start, holder, until, now)
        return row === undefined ? undefined : Number(row.place)
      }),
    advance: (name, holder, place) =>
      guarded(() => {
        const sql = 'UPDATE event_cursors SET place = max(place, ?) WHERE name = ? AND holder = ?'
        return database.prepare(sql).run(place, name, holder).changes === 1
      }),
    release: (name, holder) =>
      guarded(() => {
        database.prepare('UPDATE event_cursors SET held_until = 0 WHERE name = ? AND holder = ?').run(name, holder)
      }),
  }
}
