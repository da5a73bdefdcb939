/**
 * Each operation with a fault at its first store call, then at its second, and so on until it runs through: before the
 * call takes effect and after. Whatever happened, the fault is told, nothing is half done, and a retry gets through.
 */
import { describe, expect, it } from 'vitest'
import type { Issued } from '../../src/engine/session.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { Store } from '../../src/store/store.ts'
import { digestOf } from './model/world.ts'
import { minute, must, outcome, type Started, second, settle, start } from './support/start.ts'
import { type FailingStore, failingStore, type When, wrapStore } from './support/stores.ts'

interface Scene extends Started {
  readonly raw: Store
  readonly failing: FailingStore
  readonly alice: Issued
  readonly phone: Issued
  readonly bob: Issued
  readonly visitor: Issued
}

interface Operation {
  run(scene: Scene): Promise<unknown>
  /** What the operation promises, once it was acknowledged: at first, or when tried again on a store that is well. */
  kept(scene: Scene, answer: unknown): Promise<void>
  /** What must hold although it failed. */
  failed?(scene: Scene): Promise<void>
}

type Timing = 'at once' | 'later'

async function set(timing: Timing): Promise<Scene> {
  const raw = memoryStore()
  const later = wrapStore(raw, (_, run) => Promise.resolve().then(run) as ReturnType<typeof run>)
  const failing = failingStore(timing === 'at once' ? raw : later)
  const started = start({ store: failing.store, sessionsPerSubject: { max: 2 } })
  const alice = await started.engine.issue({ subject: 'alice', amr: ['pwd'] })
  started.clock.advance(1)
  const phone = await started.engine.issue({ subject: 'alice' })
  const bob = await started.engine.issue({ subject: 'bob' })
  const visitor = await started.engine.issueAnonymous({ attributes: { cart: 1 } })
  for (const { token } of [alice, phone, bob, visitor]) await started.engine.verify(token)
  started.clock.advance(2 * minute)
  return { ...started, raw, failing, alice, phone, bob, visitor }
}

const liveCount = async ({ raw, clock }: Scene, subject: string | null) =>
  (await raw.list({ subject, liveAt: clock.now(), limit: 100 })).items.length

const answersLive = async (scene: Scene, issued: unknown) => {
  expect(await outcome(scene, issued as Issued)).toBe('live')
  expect(await outcome(scene, issued as Issued, undefined, { fresh: true })).toBe('live')
}

/** Nothing that nobody holds is left live: every live record answers to one of these secrets. */
async function heldOnly({ raw, clock }: Scene, held: readonly { readonly token: string }[]): Promise<void> {
  const digests = held.map(({ token }) => digestOf(token))
  const { items } = await raw.list({ liveAt: clock.now(), limit: 100 })
  for (const { digest } of items) expect(digests).toContain(digest)
}

const everyone = ({ alice, phone, bob, visitor }: Scene) => [alice, phone, bob, visitor]

const operations: Record<string, Operation> = {
  issue: {
    run: ({ engine }) => engine.issue({ subject: 'alice' }),
    kept: async (scene, issued) => {
      await answersLive(scene, issued)
      expect(await liveCount(scene, 'alice')).toBeLessThanOrEqual(2)
    },
    failed: (scene) => heldOnly(scene, everyone(scene)),
  },
  'issue in place of a session': {
    run: ({ engine, phone }) => engine.issue({ subject: 'alice', replaces: phone.session.id }),
    kept: async (scene, issued) => {
      await answersLive(scene, issued)
      expect(await outcome(scene, scene.phone)).toBe('replaced')
      expect(await outcome(scene, scene.alice)).toBe('live')
    },
    failed: (scene) => heldOnly(scene, everyone(scene)),
  },
  "issue in place of another subject's": {
    run: ({ engine, bob }) => engine.issue({ subject: 'carol', replaces: bob.session.id }),
    kept: async (scene, issued) => {
      await answersLive(scene, issued)
      expect(await outcome(scene, scene.bob)).toBe('replaced')
    },
    failed: (scene) => heldOnly(scene, everyone(scene)),
  },
  'issue anonymously': {
    run: ({ engine }) => engine.issueAnonymous(),
    kept: answersLive,
    failed: (scene) => heldOnly(scene, everyone(scene)),
  },
  regenerate: {
    run: ({ engine, alice }) => engine.regenerate(alice.session.id),
    kept: async (scene, issued) => {
      await answersLive(scene, issued)
      expect(await outcome(scene, scene.alice)).toBe('superseded')
    },
    failed: (scene) => answersLive(scene, scene.alice),
  },
  elevate: {
    run: ({ engine, alice }) => engine.elevate(alice.session.id, { amr: ['otp'] }),
    kept: async (scene, issued) => {
      await answersLive(scene, issued)
      // A step-up whose answer and whose second look both failed used up the grace; it never gave the new rights.
      const old = await scene.engine.verify(scene.alice.token)
      if (old.status === 'live') expect(old.session).toMatchObject({ elevatedUntil: null, amr: ['pwd'] })
      else expect(old).toEqual({ status: 'dead', reason: 'superseded' })
    },
    failed: (scene) => answersLive(scene, scene.alice),
  },
  update: {
    run: ({ engine, alice }) => engine.update(alice.session.id, () => ({ n: 1 })),
    kept: async ({ engine, alice }) => {
      expect(await engine.verify(alice.token)).toMatchObject({ session: { attributes: { n: 1 } } })
    },
    failed: (scene) => answersLive(scene, scene.alice),
  },
  promote: {
    run: ({ engine, visitor }) => engine.promote(visitor.session.id, { subject: 'carol' }),
    kept: async (scene, issued) => {
      await answersLive(scene, issued)
      expect((issued as Issued).session.attributes).toEqual({ cart: 1 })
      expect(await outcome(scene, scene.visitor)).toBe('promoted')
    },
    failed: async (scene) => {
      await answersLive(scene, scene.visitor)
      await heldOnly(scene, everyone(scene))
    },
  },
  'revoke one': {
    run: ({ engine, alice }) => engine.revoke({ session: alice.session.id }, { reason: 'logout' }),
    kept: async (scene) => {
      expect(await outcome(scene, scene.alice)).toBe('logout')
      expect(await outcome(scene, scene.phone)).toBe('live')
    },
    failed: async (scene) => expect(await outcome(scene, scene.alice)).toBe('logout'),
  },
  'revoke all but one': {
    run: ({ engine, phone }) => engine.revoke({ subject: 'alice', except: phone.session.id }),
    kept: async (scene) => {
      expect(await Promise.all(everyone(scene).map((one) => outcome(scene, one)))).toEqual(['admin', 'live', 'live', 'live'])
      expect(alicesReason(await scene.raw.get(scene.alice.session.id))).toBe('admin')
    },
    failed: async (scene) => expect(await outcome(scene, scene.alice)).toBe('admin'),
  },
  'revoke everyone': {
    run: ({ engine }) => engine.revokeAll(),
    kept: async (scene) => {
      for (const one of everyone(scene)) expect(await outcome(scene, one)).toBe('everyone-out')
    },
    failed: async (scene) => expect(await outcome(scene, scene.bob)).toBe('everyone-out'),
  },
  list: {
    run: ({ engine }) => engine.list(),
    kept: async (_, answer) => expect((answer as { items: unknown[] }).items).toHaveLength(4),
  },
  sweep: {
    run: ({ engine }) => engine.sweep(),
    kept: async (scene) => {
      for (const one of everyone(scene)) await answersLive(scene, one)
    },
  },
}

const alicesReason = (record: { readonly reason: unknown } | undefined) => record?.reason

/** Runs it with a fault at call `n`; returns whether it was reached. */
async function runWithFault(operation: Operation, timing: Timing, n: number, when: When, many: number): Promise<boolean> {
  const scene = await set(timing)
  scene.failing.failAt(n, when, many)
  const result = await operation.run(scene).then(
    (answer) => ({ answer }),
    (fault: unknown) => ({ fault }),
  )
  await settle()
  const reached = scene.failing.calls.length >= n
  scene.failing.recover()
  if ('fault' in result) {
    expect(result.fault).toMatchObject({ code: 'store-unavailable', status: 503 })
    if (many === 0) await operation.failed?.(scene)
    // The timers that repeat what was not recorded, and a claim that could not be given back, have their time.
    scene.clock.advance(second)
    await settle()
    scene.clock.advance(10 * second)
    await settle()
    await retry(operation, scene)
  } else await operation.kept(scene, must(result.answer))
  scene.clock.advance(second)
  await settle()
  await scene.engine.close()
  expect(scene.clock.pending).toBe(0)
  return reached
}

/** A revocation whose first attempt landed has nothing left to do; a secret that a fault lost is made anew. */
async function retry(operation: Operation, scene: Scene): Promise<void> {
  const answer = await operation.run(scene)
  if (answer === undefined) expect(await outcome(scene, scene.visitor)).toMatch(/promoted|live/)
  else await operation.kept(scene, answer)
}

describe.each(Object.entries(operations))('%s', (_, operation) => {
  const cases = (['at once', 'later'] as const).flatMap((timing) =>
    (['before', 'after'] as const).flatMap((when) => [0, 1, 8].map((many) => ({ timing, when, many }))),
  )

  it.each(cases)(
    'survives a fault $when each of its calls, and $many more after it, answered $timing',
    async ({ timing, when, many }) => {
      let n = 1
      while (await runWithFault(operation, timing, n, when, many)) n += 1
      expect(n).toBeGreaterThan(1)
    },
  )
})
