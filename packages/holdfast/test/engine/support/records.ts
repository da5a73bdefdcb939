import type { SessionRecord } from '../../../src/store/store.ts'

/** A live record at instant 0, with what a test changes of it. */
export function record(changes: Partial<SessionRecord> = {}): SessionRecord {
  return {
    id: 'AAAAaaaaaaaaaaaaaaaaaaaa',
    subject: 'alice',
    createdAt: 0,
    authTime: 0,
    amr: [],
    acr: null,
    elevation: null,
    seenAt: 0,
    idleTimeout: 1000,
    idleExpiresAt: 1000,
    absoluteExpiresAt: 10_000,
    digest: 'd'.repeat(43),
    previous: null,
    generation: 0,
    nonce: null,
    rotatedAt: null,
    grant: null,
    binding: { fingerprint: null, jkt: null, deviceKey: null },
    origin: 'local',
    persistent: false,
    firstIp: null,
    lastIp: null,
    userAgent: null,
    label: 'Unknown client',
    attributes: {},
    revokedAt: null,
    reason: null,
    revision: 0,
    epoch: 0,
    ...changes,
  }
}
