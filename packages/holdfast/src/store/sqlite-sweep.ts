/** Deletes ended sessions, found by index: a sweep costs what it deletes. */
import type { Connection, Query } from './sqlite-connection.ts'
import type { Instant, SessionId, SweepQuery } from './store.ts'

const kinds = { anonymous: 1, signedIn: 0 } as const

/** Ways for a session to have ended at or before ?2; ?1 tells anonymous from signed-in, ?3 bounds the work. */
const ended = {
  revoked: 'revoked_at IS NOT NULL AND (subject IS NULL) = ?1 AND revoked_at <= ?2',
  expired: `(subject IS NULL) = ?1 AND epoch = (SELECT epoch FROM holdfast_epoch)
    AND min(idle_expires_at, absolute_expires_at) <= ?2`,
  putOut: `(subject IS NULL) = ?1 AND epoch < (SELECT epoch FROM holdfast_epoch)
    AND min(idle_expires_at, absolute_expires_at, (SELECT at FROM holdfast_epoch)) <= ?2`,
} as const

export class SqliteSweeper {
  readonly #connection: Connection
  readonly #statements: readonly Query[]

  constructor(connection: Connection) {
    this.#connection = connection
    this.#statements = Object.values(ended).map((condition) =>
      connection.prepare(`DELETE FROM holdfast_sessions
        WHERE rowid IN (SELECT rowid FROM holdfast_sessions WHERE ${condition} LIMIT ?3) RETURNING id`),
    )
  }

  sweep({ endedBefore, anonymousEndedBefore, limit }: SweepQuery): SessionId[] {
    return this.#connection.relaxed(() =>
      this.#connection.transaction(() => {
        const swept = this.#delete(kinds.anonymous, anonymousEndedBefore, limit)
        return [...swept, ...this.#delete(kinds.signedIn, endedBefore, limit - swept.length)]
      }),
    )
  }

  #delete(kind: number, until: Instant, limit: number): SessionId[] {
    const swept: SessionId[] = []
    for (const statement of this.#statements) {
      if (swept.length >= limit) break
      for (const row of statement.all(kind, until, limit - swept.length)) swept.push(String(row[0]))
    }
    return swept
  }
}
