/** The tables, as versioned steps. A published step never changes; a new one is added below it. */

/** Tells our files from other SQLite databases (`PRAGMA application_id`): "HFst". */
export const applicationId = 0x48467374

const first = `
CREATE TABLE holdfast_sessions (
  id TEXT NOT NULL UNIQUE,
  subject TEXT,
  created_at INTEGER NOT NULL,
  seen_at INTEGER NOT NULL,
  idle_expires_at INTEGER NOT NULL,
  absolute_expires_at INTEGER NOT NULL,
  revoked_at INTEGER,
  reason TEXT,
  revision INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  last_ip TEXT,
  data TEXT NOT NULL,
  CHECK ((revoked_at IS NULL) = (reason IS NULL))
) STRICT;
-- Lists, of everyone's and of one subject's sessions.
CREATE INDEX holdfast_sessions_listed ON holdfast_sessions (created_at, id);
CREATE INDEX holdfast_sessions_owned ON holdfast_sessions (subject, created_at, id);
-- Caps and "revoke all": what a subject has left, however many ended ones wait to be swept.
CREATE INDEX holdfast_sessions_open ON holdfast_sessions (subject) WHERE revoked_at IS NULL AND subject IS NOT NULL;
-- Sweeps: anonymous and signed-in apart, because they are kept for different times.
CREATE INDEX holdfast_sessions_ends ON holdfast_sessions ((subject IS NULL), epoch, min(idle_expires_at, absolute_expires_at));
CREATE INDEX holdfast_sessions_revoked ON holdfast_sessions ((subject IS NULL), revoked_at) WHERE revoked_at IS NOT NULL;
-- How often everyone was put out, and the latest time with its reason.
CREATE TABLE holdfast_epoch (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  epoch INTEGER NOT NULL,
  at INTEGER NOT NULL,
  reason TEXT NOT NULL
) STRICT;
INSERT INTO holdfast_epoch VALUES (1, 0, 0, 'everyone-out');
CREATE TABLE holdfast_tickets (
  id TEXT PRIMARY KEY,
  expires_at INTEGER NOT NULL,
  data TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX holdfast_tickets_ends ON holdfast_tickets (expires_at);
CREATE TABLE holdfast_counters (
  key TEXT PRIMARY KEY,
  count INTEGER NOT NULL,
  resets_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX holdfast_counters_ends ON holdfast_counters (resets_at);
CREATE TABLE holdfast_events (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  data TEXT NOT NULL
) STRICT;
CREATE INDEX holdfast_events_kind ON holdfast_events (kind, sequence);
`

/** Tokens denied until they expire, API keys, and the hash chain of the event log. */
const second = `
CREATE TABLE holdfast_denials (
  key TEXT PRIMARY KEY,
  before INTEGER,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX holdfast_denials_ends ON holdfast_denials (expires_at);
CREATE TABLE holdfast_api_keys (
  id TEXT PRIMARY KEY,
  owner TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  revoked_at INTEGER,
  last_used_at INTEGER,
  last_used_ip TEXT,
  data TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX holdfast_api_keys_listed ON holdfast_api_keys (created_at, id);
CREATE INDEX holdfast_api_keys_owned ON holdfast_api_keys (owner, created_at, id);
CREATE INDEX holdfast_api_keys_expires ON holdfast_api_keys (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX holdfast_api_keys_revoked ON holdfast_api_keys (revoked_at) WHERE revoked_at IS NOT NULL;
ALTER TABLE holdfast_events ADD COLUMN hash TEXT NOT NULL DEFAULT '';
ALTER TABLE holdfast_events ADD COLUMN previous TEXT NOT NULL DEFAULT '';
`

/** The step at index n leads from version n to n + 1. */
export const migrations: readonly string[] = [first, second]

export const expectedVersion: number = migrations.length

export const tables = {
  sessions: 'holdfast_sessions',
  tickets: 'holdfast_tickets',
  counters: 'holdfast_counters',
  denials: 'holdfast_denials',
  apiKeys: 'holdfast_api_keys',
  events: 'holdfast_events',
} as const
