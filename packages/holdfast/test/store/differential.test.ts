import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { memoryStore } from '../../src/store/memory.ts'
import { sqliteStore } from '../../src/store/sqlite.ts'
import type { Awaitable, Revoked, SessionCap, SessionId, SessionRecord, Store } from '../../src/store/store.ts'
import { sample, sampleId } from '../../src/testing/contract/check.ts'
import { temporaryFolder } from './folder.ts'

/** Few ids, subjects and instants, so that commands meet. */
const base = 1_000_000
const instant = fc.integer({ min: base, max: base + 12 })
const subject = fc.constantFrom('alice', 'bob', null)
const id = fc
  .record({ number: fc.integer({ min: 0, max: 5 }), owner: subject })
  .map(({ number, owner }) => sampleId(number, owner))

const record: fc.Arbitrary<SessionRecord> = fc
  .record({
    number: fc.integer({ min: 0, max: 5 }),
    subject,
    createdAt: instant,
    seenAt: instant,
    idleExpiresAt: instant,
    absoluteExpiresAt: instant,
    lastIp: fc.option(fc.ipV4()),
    label: fc.string({ unit: 'grapheme' }),
    nonce: fc.option(fc.string()),
    attributes: fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<null>),
  })
  .map(({ number, ...changes }) => sample(number, changes))

const cap: fc.Arbitrary<SessionCap | undefined> = fc.option(
  fc
    .record({
      max: fc.integer({ min: 1, max: 3 }),
      now: instant,
      whenFull: fc.constantFrom('evict-oldest', 'evict-idle', 'refuse'),
      replaces: fc.option(id, { nil: undefined }),
    })
    .map(({ replaces, ...rest }) => (replaces === undefined ? rest : { ...rest, replaces })),
  { nil: undefined },
)

const everything = { limit: 1000 }
type Command = (store: Store) => unknown

/** In an order that does not depend on the store; only one of the two is durable. */
async function idsOf(revoking: Awaitable<Revoked>): Promise<readonly SessionId[]> {
  return [...(await revoking).ids].sort()
}

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(record, cap).map(
      ([next, limit]): Command =>
        (store) =>
          store.insert(next, limit),
    ),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(record, fc.integer({ min: 0, max: 2 })).map(
      ([next, at]): Command =>
        (store) =>
          store.replace(next, at),
    ),
  },
  {
    weight: 3,
    arbitrary: fc
      .array(fc.record({ id, seenAt: instant, idleExpiresAt: instant, ip: fc.option(fc.ipV4()) }), { maxLength: 4 })
      .map(
        (sightings): Command =>
          (store) =>
            store.touch(sightings),
      ),
  },
  fc.tuple(id, instant).map(
    ([target, at]): Command =>
      (store) =>
        idsOf(store.revoke({ id: target }, { at, reason: 'logout' })),
  ),
  fc.tuple(fc.constantFrom('alice', 'bob'), id, instant).map(
    ([owner, except, at]): Command =>
      (store) =>
        idsOf(store.revoke({ subject: owner, except }, { at, reason: 'admin' })),
  ),
  instant.map(
    (at): Command =>
      (store) =>
        idsOf(store.revoke({ everyone: true }, { at, reason: 'everyone-out' })),
  ),
  fc.tuple(instant, instant).map(
    ([endedBefore, anonymousEndedBefore]): Command =>
      (store) =>
        store.sweep({ ...everything, endedBefore, anonymousEndedBefore }),
  ),
  fc.tuple(subject, instant, fc.integer({ min: 1, max: 4 }), fc.option(fc.record({ id, createdAt: instant }))).map(
    ([owner, liveAt, limit, after]): Command =>
      (store) =>
        store.list({ subject: owner, liveAt, limit, ...(after === null ? {} : { after }) }),
  ),
)

async function outcome(run: Command, store: Store): Promise<unknown> {
  try {
    return await run(store)
  } catch {
    return 'threw'
  }
}

describe('the embedded stores', () => {
  const folder = temporaryFolder()
  afterAll(() => folder.remove())

  it('answer alike whatever they are asked', async () => {
    let file = 0
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 5, maxLength: 40 }), async (commands) => {
        const memory = memoryStore()
        const sqlite = sqliteStore(folder.file(`${file++}.db`))
        try {
          for (const run of commands) {
            expect(await outcome(run, sqlite)).toEqual(await outcome(run, memory))
            expect(await sqlite.list(everything)).toEqual(await memory.list(everything))
          }
        } finally {
          await sqlite[Symbol.asyncDispose]?.()
        }
      }),
      { numRuns: 100, seed: 20260101 },
    )
  })
})
