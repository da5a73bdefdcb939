/** Stores with one well-known mistake each, and the check that must find it. */
import type { SessionId, SessionRecord, Sighting } from '../../../src/store/store.ts'
import { broken, type Control, elsewhere } from './control.ts'

const visitorsBound = 'are ended beyond the bound, the oldest first and each once, by nodes that sweep at once; no user is'

export const brokenStores: readonly Control[] = [
  broken(
    'an insert that counts first and inserts later',
    'insert',
    'keeps the cap among parallel insertions and reports each eviction once',
    (sound) => ({
      async insert(record, cap) {
        const { items } = await sound.list({ subject: record.subject, liveAt: cap?.now ?? 0, limit: 1000 })
        await elsewhere()
        const surplus = cap === undefined ? [] : items.slice(cap.max - 1)
        for (const { id } of surplus) await sound.revoke({ id }, { at: cap?.now ?? 0, reason: 'evicted' })
        await sound.insert(record)
        return { inserted: true, evicted: surplus.map(({ id }) => id) }
      },
    }),
  ),
  broken('an insert that overwrites', 'insert', 'throws when the id exists, and keeps the first record', (sound) => {
    const overwritten = new Map<SessionId, SessionRecord>()
    return {
      async insert(record, cap) {
        if ((await sound.get(record.id)) === undefined) return sound.insert(record, cap)
        overwritten.set(record.id, record)
        return { inserted: true, evicted: [] }
      },
      get: (id) => overwritten.get(id) ?? sound.get(id),
    }
  }),
  broken(
    'an insert that evicts before it finds that the id exists',
    'insert',
    'evicts nobody for an id that exists',
    (sound) => ({
      async insert(record, cap) {
        if (cap !== undefined) await sound.revoke({ subject: record.subject ?? '' }, { at: cap.now, reason: 'evicted' })
        return sound.insert(record, cap)
      },
    }),
  ),
  broken(
    'a replace that compares first and writes later',
    'replace',
    'has one winner among parallel callers at one revision',
    (sound) => ({
      async replace(next, revision) {
        const stored = await sound.get(next.id)
        await elsewhere()
        if (stored?.revision !== revision) return false
        while (!(await sound.replace(next, (await sound.get(next.id))?.revision ?? -1))) await elsewhere()
        return true
      },
    }),
  ),
  broken('a replace that creates what is gone', 'replace', 'never creates', (sound) => ({
    async replace(next, revision) {
      if ((await sound.get(next.id)) !== undefined) return sound.replace(next, revision)
      return (await sound.insert(next)).inserted
    },
  })),
  broken('a replace that forgets sightings', 'replace', 'keeps a later sighting, with its address', (sound) => {
    const replaced = new Map<SessionId, SessionRecord>()
    return {
      async replace(next, revision) {
        replaced.set(next.id, next)
        return sound.replace(next, revision)
      },
      get: (id) => replaced.get(id) ?? sound.get(id),
    }
  }),
  broken('a replace that revives', 'replace', 'never revives a revoked session', (sound) => {
    const revived = new Map<SessionId, SessionRecord>()
    return {
      async replace(next) {
        revived.set(next.id, next)
        return true
      },
      get: (id) => revived.get(id) ?? sound.get(id),
    }
  }),
  broken('a touch that goes back', 'touch', 'never moves anything back', (sound) => {
    const seen = new Map<SessionId, Sighting>()
    return {
      touch(sightings) {
        for (const sighting of sightings) seen.set(sighting.id, sighting)
      },
      async get(id) {
        const record = await sound.get(id)
        const sighting = seen.get(id)
        if (record === undefined || sighting === undefined) return record
        return { ...record, seenAt: sighting.seenAt, idleExpiresAt: sighting.idleExpiresAt, lastIp: sighting.ip }
      },
    }
  }),
  broken('a touch that counts as a new revision', 'touch', 'lets no replace lose', (sound) => ({
    async touch(sightings) {
      for (const { id } of sightings) {
        const record = await sound.get(id)
        if (record !== undefined) await sound.replace(record, record.revision)
      }
    },
  })),
  broken(
    'a revoke that claims what another caller did',
    'revoke',
    'shares the work among parallel callers, each session exactly once',
    (sound) => ({
      async revoke(target, revocation) {
        const { items } = await sound.list({ limit: 1000 })
        await sound.revoke(target, revocation)
        return { ids: items.map(({ id }) => id), durable: false }
      },
    }),
  ),
  broken('a revoke that only says so', 'revoke', 'marks a session once and keeps the first instant and reason', () => ({
    revoke: (target) => ({ ids: 'id' in target ? [target.id] : [], durable: false }),
  })),
  broken(
    'an everyone-out that works through a list',
    'everyone out',
    'ends every session in one step, for every store at once, and lists none',
    (sound) => ({
      async revoke(target, revocation) {
        if (!('everyone' in target)) return sound.revoke(target, revocation)
        const { items } = await sound.list({ limit: 1 })
        for (const { id } of items) await sound.revoke({ id }, revocation)
        return { ids: [], durable: false }
      },
    }),
  ),
  broken(
    'a list that pages by offset',
    'list',
    'has neither gaps nor repeats when records come and go between pages',
    (sound) => {
      const offsets = new Map<SessionId, number>()
      return {
        async list({ after, ...query }) {
          const offset = after === undefined ? 0 : (offsets.get(after.id) ?? 0)
          const { items } = await sound.list({ ...query, limit: 1000 })
          const page = items.slice(offset, offset + query.limit)
          const last = page.at(-1)
          if (last === undefined || offset + query.limit >= items.length) return { items: page }
          offsets.set(last.id, offset + query.limit)
          return { items: page, next: { createdAt: last.createdAt, id: last.id } }
        },
      }
    },
  ),
  broken('a list that gives the oldest visitors first', 'visitors', visitorsBound, (sound) => ({
    async list(query) {
      const page = await sound.list(query)
      return query.subject === null ? { ...page, items: page.items.toReversed() } : page
    },
  })),
  broken('a list that takes users for visitors', 'visitors', visitorsBound, (sound) => ({
    list: ({ subject, ...query }) => sound.list(subject == null ? query : { ...query, subject }),
  })),
  broken('a get that shares its object', 'get', 'gives a record that belongs to the caller', (sound) => {
    const shared = new Map<SessionId, SessionRecord>()
    return {
      async get(id) {
        const record = shared.get(id) ?? structuredClone(await sound.get(id))
        if (record !== undefined) shared.set(id, record)
        return record
      },
    }
  }),
  broken('a sweep without bound', 'sweep', 'deletes no more than the limit, and all of it in the end', (sound) => ({
    sweep: (query) => sound.sweep({ ...query, limit: 1000 }),
  })),
  broken('a sweep that trusts the first idle limit', 'sweep', 'spares a session that was seen meanwhile', (sound) => ({
    sweep: (query) => sound.sweep({ ...query, endedBefore: query.endedBefore + 1 }),
  })),
  broken('a feed that is silent', 'changes', 'tells of a revoked record, by id and by subject', () => ({
    changes: { subscribe: () => () => undefined, confirm: () => true },
  })),
  broken(
    'a replace that leaves the tokens as they were granted',
    'replace',
    'writes every field at the right revision and counts it',
    (sound) => ({
      replace: async (next, revision) => sound.replace({ ...next, grant: (await sound.get(next.id))?.grant ?? null }, revision),
    }),
  ),
]
