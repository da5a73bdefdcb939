/**
 * The statements on sessions. Those that change several records lock them in the order of their ids first, so that
 * no two of them wait for each other.
 */
import type { RevocationReason } from '../shared/codes.ts'
import { type Names, openIn, toldOf } from './postgres-schema.ts'

/**
 * As `recordOf` expects it. Three columns instead of twelve: the driver spends more on each than the server on joining those
 * that cannot hold a comma. The latest everyone-out is read once for all rows: a join with it took a tenth of the statement.
 */
const selectedIn = ({ epoch }: Names): string =>
  `concat_ws(',', s.id, s.created_at, s.seen_at, s.idle_expires_at, s.absolute_expires_at, s.revision, s.epoch,
    CASE WHEN s.revoked_at IS NOT NULL THEN concat(s.revoked_at, ',', s.reason)
      WHEN s.epoch >= (SELECT e.epoch FROM ${epoch} e) THEN ','
      ELSE coalesce((SELECT concat(e.at, ',', e.reason) FROM ${epoch} e), '0,everyone-out') END, s.data),
  s.subject, s.last_ip`

/**
 * Whether a commit that was just answered survives the loss of the server, standbys being what would replace it:
 * where some are named for synchronous commit, they have it on disk too; where there are some and none is named, or
 * `$expected`, they may not have it.
 */
export function durableFor(expectsStandby: boolean): string {
  return `(current_setting('fsync') = 'on' AND CASE WHEN current_setting('synchronous_standby_names') <> ''
    THEN current_setting('synchronous_commit') IN ('on', 'remote_apply')
    ELSE ${!expectsStandby} AND current_setting('synchronous_commit') <> 'off'
      AND NOT EXISTS (SELECT FROM pg_stat_get_wal_senders())
      AND NOT EXISTS (SELECT FROM pg_get_replication_slots() WHERE slot_type = 'physical') END)`
}

export interface SessionsSql {
  readonly get: string
  readonly data: string
  readonly insert: string
  readonly insertWithin: string
  readonly replace: string
  readonly touch: string
  readonly revoke: string
  readonly assertEveryone: string
  readonly revokeSubject: string
  readonly everyone: string
  readonly sweepDue: string
  readonly sweepPutOut: string
}

export function sessionsSql(names: Names, expectsStandby: boolean): SessionsSql {
  const { sessions, epoch, onPrimary, insertSession } = names
  const open = openIn(names)
  const lockedFrom = (condition: string) =>
    `locked AS (SELECT s.id FROM ${sessions} s WHERE ${condition} ORDER BY s.id FOR NO KEY UPDATE)`
  const lockedGiven = lockedFrom('s.id = any($1::text[])')
  // Counted, not joined: asked once, before the first row is looked at, and no join of every row with every lock.
  const areLocked = '(SELECT count(*) FROM locked) > 0'
  const changes = (how?: string) =>
    `SELECT string_agg(changed.id, ','), ${durableFor(expectsStandby)}, ${toldOf(names, 'changed.id', how)} FROM changed`
  // Where one revocation ended them all, it is told too: see `PostgresChanges`.
  const ends = changes(`CASE WHEN count(DISTINCT (changed.revoked_at, changed.reason)) > 1 THEN ''
    ELSE '!' || min(changed.revoked_at) || '!' || min(changed.reason) END`)
  const endedBy = (reason: RevocationReason, than: '=' | 'IS DISTINCT FROM') =>
    `(SELECT ${toldOf(names, 'ended.id', `'!' || $12::bigint || '!${reason}'`)} FROM ended WHERE ended.id ${than} $14::text)`
  const end = `least(s.idle_expires_at, s.absolute_expires_at, s.revoked_at, CASE WHEN s.epoch < e.epoch THEN e.at END)`
  const swept = (found: string) => `WITH found AS (
      SELECT s.id FROM ${sessions} s, ${epoch} e WHERE ${found} LIMIT $3 FOR UPDATE OF s SKIP LOCKED
    ), moved AS (
      UPDATE ${sessions} s SET due = ${end} FROM found, ${epoch} e WHERE s.id = found.id AND ${end} > $2 RETURNING 1
    ), changed AS (
      DELETE FROM ${sessions} s USING found, ${epoch} e WHERE s.id = found.id AND ${end} <= $2 RETURNING s.id
    ) SELECT string_agg(changed.id, ','), (SELECT count(*) FROM moved), ${toldOf(names, 'changed.id')} FROM changed`
  return {
    get: `SELECT ${selectedIn(names)} FROM ${sessions} s WHERE s.id = any($1::text[]) AND ${onPrimary}()`,
    data: `SELECT s.id, s.revision, s.data FROM ${sessions} s WHERE s.id = any($1::text[]) AND ${onPrimary}()`,
    insert: `INSERT INTO ${sessions} (id, subject, created_at, seen_at, idle_expires_at, absolute_expires_at, due,
        revoked_at, reason, revision, epoch, last_ip, data)
      SELECT $1, $2, $3, $4, $5::bigint, $6::bigint, least($5::bigint, $6::bigint, $7::bigint), $7::bigint, $8, 0, e.epoch, $9, $10
      FROM ${epoch} e`,
    // The function tells whose sessions have changed; how those ended, this tells beside it.
    insertWithin: `WITH done AS (
        SELECT * FROM ${insertSession}($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
      ), ended AS (SELECT unnest(string_to_array(revoked_ids, ',')) AS id FROM done
      ) SELECT inserted, revoked_ids, ${endedBy('evicted', 'IS DISTINCT FROM')}, ${endedBy('replaced', '=')} FROM done`,
    replace: `WITH ${lockedGiven}, changed AS (
        UPDATE ${sessions} s SET
          last_ip = CASE WHEN s.seen_at > g.seen_at THEN s.last_ip ELSE g.last_ip END,
          seen_at = greatest(s.seen_at, g.seen_at),
          idle_expires_at = greatest(s.idle_expires_at, g.idle_expires_at),
          absolute_expires_at = g.absolute_expires_at,
          due = least(s.due, g.absolute_expires_at),
          revision = s.revision + 1,
          data = g.data
        FROM unnest($1::text[], $2::integer[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::text[])
          AS g(id, revision, seen_at, idle_expires_at, absolute_expires_at, last_ip, data)
        WHERE ${areLocked} AND s.id = g.id AND s.revision = g.revision AND ${open} RETURNING s.id
      ) ${changes()}`,
    touch: `WITH ${lockedGiven} UPDATE ${sessions} s SET
        last_ip = CASE WHEN s.seen_at < g.seen_at THEN g.ip ELSE s.last_ip END,
        seen_at = greatest(s.seen_at, g.seen_at),
        idle_expires_at = greatest(s.idle_expires_at, g.idle_expires_at)
      FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[]) AS g(id, seen_at, idle_expires_at, ip)
      WHERE (SELECT set_config('synchronous_commit', 'off', true)) = 'off' AND ${areLocked} AND s.id = g.id
        AND (s.seen_at < g.seen_at OR s.idle_expires_at < g.idle_expires_at) AND ${open}`,
    revoke: `WITH ${lockedGiven}, changed AS (
        UPDATE ${sessions} s SET revoked_at = g.at, reason = g.reason, due = least(s.due, g.at)
        FROM unnest($1::text[], $2::bigint[], $3::text[]) AS g(id, at, reason)
        WHERE ${areLocked} AND s.id = g.id AND ${open} RETURNING s.id, s.revoked_at, s.reason
      ) ${ends}`,
    // Ended ones are locked too: an order repeated before a standby has the first must wait for the standby like that one.
    revokeSubject: `WITH ${lockedFrom('s.subject = $1 AND s.id <> $2')}, changed AS (
        UPDATE ${sessions} s SET revoked_at = $3::bigint, reason = $4, due = least(s.due, $3::bigint)
        FROM locked WHERE s.id = locked.id AND ${open} RETURNING s.id, s.revoked_at, s.reason
      ) ${ends}`,
    everyone: `WITH changed AS (UPDATE ${epoch} SET epoch = epoch + 1, at = $1, reason = $2 RETURNING epoch)
      SELECT changed.epoch, ${durableFor(expectsStandby)}, pg_notify('${names.channel}', '*') FROM changed`,
    assertEveryone: `WITH changed AS (UPDATE ${epoch} SET epoch = $1::integer, at = $2, reason = $3 WHERE epoch < $1 RETURNING 1)
      SELECT pg_notify('${names.channel}', '*') FROM changed`,
    sweepDue: swept('(s.subject IS NULL) = $1 AND s.due <= $2'),
    sweepPutOut: swept('(s.subject IS NULL) = $1 AND s.epoch < e.epoch AND e.at <= $2'),
  }
}

export interface ListShape {
  readonly subject: 'any' | 'anonymous' | 'one'
  readonly live: boolean
  readonly after: boolean
}

/** The parameters, in this order and only as far as the shape has them: subject, instant, creation and id of the cursor, limit. */
export function listSql(names: Names, shape: ListShape): string {
  const { sessions, epoch, onPrimary } = names
  let count = 0
  const next = () => {
    count += 1
    return `$${count}`
  }
  const conditions = [`${onPrimary}()`]
  if (shape.subject === 'anonymous') conditions.push('s.subject IS NULL')
  if (shape.subject === 'one') conditions.push(`s.subject = ${next()}`)
  if (shape.live) {
    conditions.push(`s.revoked_at IS NULL AND s.epoch >= e.epoch AND least(s.idle_expires_at, s.absolute_expires_at) > ${next()}`)
  }
  if (shape.after) conditions.push(`(s.created_at, s.id) < (${next()}, ${next()})`)
  return `SELECT ${selectedIn(names)} FROM ${sessions} s, ${epoch} e
    WHERE ${conditions.join(' AND ')} ORDER BY s.created_at DESC, s.id DESC LIMIT ${next()}`
}
