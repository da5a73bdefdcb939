/** Companions of stores with one well-known mistake each, and the check that must find it. */
import type { Denial } from '../../../src/store/denylist.ts'
import type { Ticket } from '../../../src/store/tickets.ts'
import { broken, type Control, companion, elsewhere } from './control.ts'

export const brokenCompanions: readonly Control[] = [
  broken('a take that peeks', 'tickets', 'lets one of many parallel callers take', (sound) => {
    let peeked: Ticket | undefined
    return {
      tickets: {
        ...companion(sound.tickets),
        async take(id, now) {
          const found = await sound.tickets.take(id, now)
          peeked = found ?? peeked
          return peeked
        },
      },
    }
  }),
  broken('a counter that reads first and writes later', 'counters', 'loses no count of parallel callers', (sound) => {
    let stored = 0
    return {
      counters: {
        ...companion(sound.counters),
        async add(_key, amount, { now, windowMs }) {
          const before = stored
          await elsewhere()
          stored = before + amount
          return { count: stored, resetsAt: now + windowMs }
        },
      },
    }
  }),
  broken(
    'an event log that appends one by one',
    'event log',
    'keeps batches of parallel callers together and without gaps',
    (sound) => ({
      eventLog: {
        ...companion(sound.eventLog),
        async append(events, after) {
          if (((await sound.eventLog.last())?.sequence ?? 0) !== after) return false
          for (const event of events) {
            await sound.eventLog.append([event], (await sound.eventLog.last())?.sequence ?? 0)
            await elsewhere()
          }
          return true
        },
      },
    }),
  ),
  broken(
    'an event log that appends whatever came before',
    'event log',
    'has one winner among parallel callers that append after the same event',
    (sound) => ({
      eventLog: {
        ...companion(sound.eventLog),
        async append(events) {
          while (!(await sound.eventLog.append(events, (await sound.eventLog.last())?.sequence ?? 0))) await elsewhere()
          return true
        },
      },
    }),
  ),
  broken(
    'an event log that forgets its head',
    'event log',
    'never takes the latest event, and goes on counting from it',
    (sound) => {
      let isSwept = false
      return {
        eventLog: {
          ...companion(sound.eventLog),
          async sweep(before, limit) {
            const swept = await sound.eventLog.sweep(before, limit)
            isSwept = true
            return swept + 1
          },
          last: () => (isSwept ? undefined : sound.eventLog.last()),
        },
      }
    },
  ),
  broken(
    'a denylist in which the last word counts',
    'denylist',
    'keeps the later instant and the later end, each by itself, in any order',
    () => {
      const denials = new Map<string, Denial>()
      return {
        denylist: {
          put(denial) {
            denials.set(denial.key, denial)
            return { durable: false }
          },
          find: (keys) => keys.flatMap((key) => denials.get(key) ?? []),
          sweep: () => 0,
        },
      }
    },
  ),
  broken('a denylist that reads first and writes later', 'denylist', 'keeps the latest of what parallel callers put', (sound) => {
    const denials = new Map<string, Denial>()
    return {
      denylist: {
        ...companion(sound.denylist),
        async put(denial) {
          const before = denials.get(denial.key)
          await elsewhere()
          denials.set(denial.key, {
            ...denial,
            before: Math.max(before?.before ?? 0, denial.before ?? 0),
            expiresAt: Math.max(before?.expiresAt ?? 0, denial.expiresAt),
          })
          return { durable: false }
        },
        find: (keys) => keys.flatMap((key) => denials.get(key) ?? []),
      },
    }
  }),
  broken('a denylist whose denials never end', 'denylist', 'says nothing from its end on', (sound) => ({
    denylist: { ...companion(sound.denylist), find: (keys) => sound.denylist.find(keys, 0) },
  })),
  broken(
    'a denylist that takes null for "never"',
    'denylist',
    'holds "whatever their age" for later than any instant',
    (sound) => ({
      denylist: {
        ...companion(sound.denylist),
        put: (denial) => sound.denylist.put({ ...denial, before: denial.before ?? 0 }),
      },
    }),
  ),
  broken(
    'API keys that are counted first and inserted later',
    'API keys',
    'keeps the cap among parallel insertions',
    (sound) => ({
      apiKeys: {
        ...companion(sound.apiKeys),
        async insert(record, cap) {
          const { items } = await sound.apiKeys.list({ owner: record.owner, limit: 1000 })
          await elsewhere()
          return items.length < (cap?.max ?? 1000) && sound.apiKeys.insert(record)
        },
      },
    }),
  ),
  broken('API keys that overwrite', 'API keys', 'throws when the id exists, and keeps the first key', (sound) => ({
    apiKeys: {
      ...companion(sound.apiKeys),
      async insert(record) {
        try {
          return await sound.apiKeys.insert(record)
        } catch {
          return true
        }
      },
    },
  })),
  broken('a revocation of an API key that everyone claims', 'API keys', 'lets one of many parallel callers revoke', (sound) => ({
    apiKeys: {
      ...companion(sound.apiKeys),
      async revoke(id, at) {
        await sound.apiKeys.revoke(id, at)
        return (await sound.apiKeys.get(id)) !== undefined
      },
    },
  })),
  broken(
    "a revocation of an owner's API keys that forgets the last",
    'API keys',
    'revokes all of an owner, each key by one of many parallel callers',
    (sound) => ({
      apiKeys: {
        ...companion(sound.apiKeys),
        async revokeOwner(owner, at) {
          const { items } = await sound.apiKeys.list({ owner, limit: 2 })
          const revoked = await Promise.all(items.map(async ({ id }) => ((await sound.apiKeys.revoke(id, at)) ? [id] : [])))
          return revoked.flat()
        },
      },
    }),
  ),
  broken('a last use that goes back', 'API keys', 'moves the last use forward only, with its address', (sound) => {
    const used = new Map<string, { readonly lastUsedAt: number; readonly lastUsedIp: string | null }>()
    return {
      apiKeys: {
        ...companion(sound.apiKeys),
        touch(id, lastUsedAt, lastUsedIp) {
          used.set(id, { lastUsedAt, lastUsedIp })
        },
        async get(id) {
          const record = await sound.apiKeys.get(id)
          return record === undefined ? undefined : { ...record, ...used.get(id) }
        },
      },
    }
  }),
]
