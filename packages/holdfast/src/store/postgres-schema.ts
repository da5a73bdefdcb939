/**
 * The tables and functions, as versioned steps. A published step never changes; a new one is added below it, and
 * leaves what releases before it call: nodes of two releases run side by side during an upgrade.
 */

/** Names of what the store has in its schema. */
export interface Names {
  readonly schema: string
  readonly sessions: string
  readonly epoch: string
  readonly tickets: string
  readonly counters: string
  readonly denials: string
  readonly apiKeys: string
  readonly insertApiKey: string
  readonly events: string
  readonly eventsHead: string
  readonly version: string
  readonly insertSession: string
  readonly onPrimary: string
  /** Where changes are told. */
  readonly channel: string
}

const schemaPattern = /^[a-z_][a-z0-9_]{0,39}$/

/** Throws a `RangeError` for a schema name that would need quoting, or would make other names too long. */
export function namesIn(schema: string): Names {
  if (!schemaPattern.test(schema)) throw new RangeError('schema must be 1 to 40 of a-z, 0-9 and _, and not begin with a digit')
  const named = (name: string) => `"${schema}".holdfast_${name}`
  return {
    schema,
    sessions: named('sessions'),
    epoch: named('epoch'),
    tickets: named('tickets'),
    counters: named('counters'),
    denials: named('denials'),
    apiKeys: named('api_keys'),
    insertApiKey: named('insert_api_key'),
    events: named('events'),
    eventsHead: named('events_head'),
    version: named('version'),
    insertSession: named('insert_session'),
    onPrimary: named('on_primary'),
    channel: `holdfast_${schema}`,
  }
}

/** Ids that fit into one notification, whose payload must stay below 8000 bytes. */
const mostIdsTold = 300
/** The payload that means "anything may have changed". */
const everything = '*'

/** An SQL expression that tells of the ids which `rows` holds, with the text `how` behind them, and is null when there are none. */
export function toldOf(names: Names, id: string, how?: string): string {
  return `CASE WHEN count(*) > 0 THEN pg_notify('${names.channel}',
    CASE WHEN count(*) > ${mostIdsTold} THEN '${everything}' ELSE string_agg(${id}, ',')${how === undefined ? '' : ` || ${how}`} END) END`
}

/** Neither revoked nor put out with everyone. */
export const openIn = ({ epoch }: Names): string => `s.revoked_at IS NULL AND s.epoch >= (SELECT epoch FROM ${epoch})`

const partitioned = (names: Names, partitions: number): string =>
  Array.from(
    { length: partitions },
    (_, at) => `CREATE TABLE "${names.schema}".holdfast_sessions_${at} PARTITION OF ${names.sessions}
      FOR VALUES WITH (MODULUS ${partitions}, REMAINDER ${at}) WITH (fillfactor = 85);`,
  ).join('\n')

const first = (names: Names, partitions: number): string => `
-- Nothing that a touch changes is indexed, and pages keep room: touches are then heap-only updates. "due" is never
-- later than the end of the session; it moves when a sweep comes by, not with every touch.
CREATE TABLE ${names.sessions} (
  id text COLLATE "C" PRIMARY KEY,
  subject text COLLATE "C",
  created_at bigint NOT NULL,
  seen_at bigint NOT NULL,
  idle_expires_at bigint NOT NULL,
  absolute_expires_at bigint NOT NULL,
  due bigint NOT NULL,
  revoked_at bigint,
  reason text,
  revision integer NOT NULL,
  epoch integer NOT NULL,
  last_ip text,
  data text NOT NULL,
  CHECK ((revoked_at IS NULL) = (reason IS NULL))
) ${partitions > 0 ? 'PARTITION BY HASH (id)' : 'WITH (fillfactor = 85)'};
${partitioned(names, partitions)}
-- Lists, of everyone's and of one subject's sessions.
CREATE INDEX holdfast_sessions_listed ON ${names.sessions} (created_at, id);
CREATE INDEX holdfast_sessions_owned ON ${names.sessions} (subject, created_at, id);
-- Caps and "revoke all": what a subject has left, however many ended ones wait to be swept.
CREATE INDEX holdfast_sessions_open ON ${names.sessions} (subject) WHERE revoked_at IS NULL AND subject IS NOT NULL;
-- Sweeps: anonymous and signed-in apart, because they are kept for different times.
CREATE INDEX holdfast_sessions_due ON ${names.sessions} ((subject IS NULL), due);
CREATE INDEX holdfast_sessions_epochs ON ${names.sessions} ((subject IS NULL), epoch);
-- How often everyone was put out, and the latest time with its reason.
CREATE TABLE ${names.epoch} (
  only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
  epoch integer NOT NULL,
  at bigint NOT NULL,
  reason text NOT NULL
);
INSERT INTO ${names.epoch} (epoch, at, reason) VALUES (0, 0, 'everyone-out');
CREATE TABLE ${names.tickets} (
  id text COLLATE "C" PRIMARY KEY,
  expires_at bigint NOT NULL,
  data text NOT NULL
);
CREATE INDEX holdfast_tickets_ends ON ${names.tickets} (expires_at);
-- "total" is the latest count before it was held to its limit: the answer of an addition that was refused.
CREATE TABLE ${names.counters} (
  key text COLLATE "C" PRIMARY KEY,
  count bigint NOT NULL,
  total bigint NOT NULL,
  resets_at bigint NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX holdfast_counters_ends ON ${names.counters} (resets_at);
CREATE TABLE ${names.events} (
  sequence bigint PRIMARY KEY,
  at bigint NOT NULL,
  kind text COLLATE "C" NOT NULL,
  data text NOT NULL
);
CREATE INDEX holdfast_events_kind ON ${names.events} (kind, sequence);
-- Whoever appends holds this row until the commit: sequences have no gaps, and become visible in order.
CREATE TABLE ${names.eventsHead} (
  only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
  last bigint NOT NULL
);
INSERT INTO ${names.eventsHead} (last) VALUES (0);

CREATE FUNCTION ${names.onPrimary}() RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF pg_is_in_recovery() THEN
    RAISE EXCEPTION 'the server is a standby: what it says may be old' USING ERRCODE = 'read_only_sql_transaction';
  END IF;
  RETURN true;
END $$;

CREATE FUNCTION ${names.insertSession}(
  new_id text, new_subject text, new_created_at bigint, new_seen_at bigint, new_idle bigint, new_absolute bigint,
  new_revoked_at bigint, new_reason text, new_last_ip text, new_data text,
  cap integer, now bigint, when_full text, replaces text
) RETURNS TABLE (inserted boolean, revoked_ids text) LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  surplus text[];
  ended text[];
BEGIN
  -- Each statement here must see what was committed before it, or the count would be that of an older time.
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'sessions are capped under READ COMMITTED only' USING ERRCODE = 'active_sql_transaction';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended(new_subject, 0));
  SELECT array_agg(l.id) INTO surplus FROM (
    SELECT s.id, count(*) OVER () AS live, row_number() OVER (
      ORDER BY CASE WHEN when_full = 'evict-idle' THEN s.seen_at ELSE s.created_at END, s.created_at, s.id) AS place
    FROM ${names.sessions} s
    WHERE s.subject = new_subject AND ${openIn(names)}
      AND least(s.idle_expires_at, s.absolute_expires_at) > now AND s.id IS DISTINCT FROM replaces
  ) l WHERE l.place <= l.live + 1 - cap;
  IF surplus IS NOT NULL AND when_full = 'refuse' THEN
    IF EXISTS (SELECT FROM ${names.sessions} s WHERE s.id = new_id) THEN
      RAISE EXCEPTION 'a session with this id exists' USING ERRCODE = 'unique_violation';
    END IF;
    RETURN QUERY SELECT false, '';
    RETURN;
  END IF;
  WITH locked AS (
    SELECT s.id FROM ${names.sessions} s
    WHERE (s.id = any(surplus) OR (s.id = replaces AND s.subject = new_subject)) AND ${openIn(names)}
    ORDER BY s.id FOR NO KEY UPDATE
  ), changed AS (
    UPDATE ${names.sessions} s SET revoked_at = now, due = least(s.due, now),
      reason = CASE WHEN s.id = replaces THEN 'replaced' ELSE 'evicted' END
    FROM locked WHERE s.id = locked.id RETURNING s.id
  )
  SELECT array_agg(changed.id) INTO ended FROM changed;
  INSERT INTO ${names.sessions} (id, subject, created_at, seen_at, idle_expires_at, absolute_expires_at, due,
      revoked_at, reason, revision, epoch, last_ip, data)
    SELECT new_id, new_subject, new_created_at, new_seen_at, new_idle, new_absolute,
      least(new_idle, new_absolute, new_revoked_at), new_revoked_at, new_reason, 0, e.epoch, new_last_ip, new_data
    FROM ${names.epoch} e;
  PERFORM ${toldOf(names, 'told.id')} FROM unnest(ended) AS told(id);
  RETURN QUERY SELECT true, coalesce(array_to_string(ended, ','), '');
END $$;
`

/** Tokens denied until they expire, API keys, and the hash chain of the event log. */
const second = ({ denials, apiKeys, insertApiKey, events }: Names): string => `
CREATE TABLE ${denials} (
  key text COLLATE "C" PRIMARY KEY,
  before bigint,
  expires_at bigint NOT NULL
);
CREATE INDEX holdfast_denials_ends ON ${denials} (expires_at);
CREATE TABLE ${apiKeys} (
  id text COLLATE "C" PRIMARY KEY,
  owner text COLLATE "C" NOT NULL,
  created_at bigint NOT NULL,
  expires_at bigint,
  revoked_at bigint,
  last_used_at bigint,
  last_used_ip text,
  data text NOT NULL
) WITH (fillfactor = 85);
CREATE INDEX holdfast_api_keys_listed ON ${apiKeys} (created_at, id);
CREATE INDEX holdfast_api_keys_owned ON ${apiKeys} (owner, created_at, id);
CREATE INDEX holdfast_api_keys_expires ON ${apiKeys} (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX holdfast_api_keys_revoked ON ${apiKeys} (revoked_at) WHERE revoked_at IS NOT NULL;
ALTER TABLE ${events} ADD COLUMN hash text NOT NULL DEFAULT '', ADD COLUMN previous text NOT NULL DEFAULT '';

CREATE FUNCTION ${insertApiKey}(
  new_id text, new_owner text, new_created_at bigint, new_expires_at bigint, new_revoked_at bigint,
  new_used_at bigint, new_used_ip text, new_data text, cap bigint, now bigint
) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  IF cap IS NOT NULL THEN
    -- The count must see what was committed by whoever held the lock before.
    IF current_setting('transaction_isolation') <> 'read committed' THEN
      RAISE EXCEPTION 'API keys are capped under READ COMMITTED only' USING ERRCODE = 'active_sql_transaction';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended(new_owner, 1));
    IF (SELECT count(*) FROM ${apiKeys} k
      WHERE k.owner = new_owner AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now)) >= cap THEN
      IF EXISTS (SELECT FROM ${apiKeys} k WHERE k.id = new_id) THEN
        RAISE EXCEPTION 'an API key with this id exists' USING ERRCODE = 'unique_violation';
      END IF;
      RETURN false;
    END IF;
  END IF;
  INSERT INTO ${apiKeys} VALUES (new_id, new_owner, new_created_at, new_expires_at, new_revoked_at,
    new_used_at, new_used_ip, new_data);
  RETURN true;
END $$;
`

/** The step at index n leads from version n to n + 1. */
export const migrations: readonly ((names: Names, partitions: number) => string)[] = [first, second]

export const expectedVersion: number = migrations.length
