/** A connection taken out of a pool, for what takes more than one statement. */
import type pg from 'pg'

const ignore = (): void => undefined

/** Runs something on a connection of its own. One on which it failed is closed: that rolls back what it was in the middle of. */
export async function onConnection<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  // The pool listens to what lies idle only, and a fault that nobody hears of ends the process. What runs on it fails as well.
  client.on('error', ignore)
  let failed = true
  try {
    const answer = await work(client)
    failed = false
    return answer
  } finally {
    client.off('error', ignore)
    client.release(failed)
  }
}
