/** What may happen to the two nodes: calls of their users, time, faults, restarts with other keys. */
import { expect } from 'vitest'
import { createKeyring } from '../../../src/engine/keyring.ts'
import { chrome, must, outcomeOf, second, settle } from '../support/start.ts'
import { allMethods, type When } from '../support/stores.ts'
import {
  attempt,
  doubtOne,
  failedToEnd,
  idles,
  isLive,
  issuedByNow,
  learnAll,
  nodeAt,
  pick,
  revokeThese,
  signIn,
} from './effects.ts'
import { familySteps, renewFamily } from './family-steps.ts'
import { type Held, hold, keyRings, learn, type Node, startEngine, tokensOf, track, type World } from './world.ts'

export type Step = (world: World) => Promise<void>

export const forgeries = {
  cut: ({ text }: Held) => text.slice(0, -1),
  flipped: ({ text }: Held) => `${text.slice(0, 60)}${text[60] === 'A' ? 'B' : 'A'}${text.slice(61)}`,
  otherKind: ({ text }: Held) => (text.startsWith('hfa1_') ? `hf1_${text.slice(5)}` : `hfa1_${text.slice(4)}`),
  id: ({ session }: Held) => session.id,
  otherId: ({ text, session }: Held) =>
    text.replace(session.id, `${session.id.slice(0, 23)}${session.id.endsWith('A') ? 'B' : 'A'}`),
} as const

const keyIds = new Map<string, string>(keyRings.flat().map((secret) => [secret, createKeyring([secret]).signing.id]))

/** A record bound with a key that this node does not list cannot be compared; binding is then not claimed. */
function canCompare(node: Node, { session }: Held): boolean {
  const bound = session.lastSeen?.binding.fingerprint
  return node.keys.some((secret) => bound?.startsWith(`${keyIds.get(secret)}.`))
}

function issueStep(node: number, subject: string, remember: boolean, replaces: number | undefined): Step {
  return async (world) => {
    const target = nodeAt(world, node)
    const old = replaces === undefined ? undefined : pick(world.sessions, replaces)
    const live = old !== undefined && (await isLive(world, old))
    const input = { subject, remember, amr: ['pwd'], context: chrome, replaces: old?.id }
    const idle = remember ? idles.remembered : idles.signedIn
    await signIn(world, target, subject, () => target.started.engine.issue(input), idle, live ? old : undefined)
  }
}

export const steps = {
  ...familySteps,
  issue: issueStep,
  anonymous:
    (node: number): Step =>
    async (world) => {
      const target = nodeAt(world, node)
      const done = await attempt(() => target.started.engine.issueAnonymous())
      if (done !== undefined) track(world, target, done.value, idles.anonymous)
    },
  promote:
    (node: number, at: number, subject: string): Step =>
    async (world) => {
      const visitors = world.sessions.filter((session) => session.subject === null)
      const visitor = pick(visitors, at)
      if (visitor === undefined) return
      const target = nodeAt(world, node)
      const call = () => target.started.engine.promote(visitor.id, { subject, amr: ['pwd'] })
      const won = (await isLive(world, visitor)) ? visitor : undefined
      const before = world.sessions.length
      await signIn(world, target, subject, call, idles.signedIn, undefined)
      if (world.sessions.length === before) return doubtOne(world, target, visitor)
      expect(won, 'only a live visitor is promoted').toBeDefined()
      expect(must(world.sessions.at(-1)).updates, 'data is carried').toBe(visitor.updates)
      visitor.killed = true
    },
  renew:
    (node: number, at: number, stepUp: boolean): Step =>
    async (world) => {
      const session = pick(world.sessions, at)
      if (session === undefined) return
      const target = nodeAt(world, node)
      const { engine } = target.started
      const family = world.families.find((each) => each.session === session)
      if (family !== undefined) return renewFamily(world, target, family, stepUp)
      const done = await attempt(() => (stepUp ? engine.elevate(session.id, { amr: ['otp'] }) : engine.regenerate(session.id)))
      if (done === undefined) return learn(world, session)
      if (done.value === undefined) return
      const now = world.clock.now()
      for (const token of tokensOf(world, session)) {
        token.state = stepUp && token.state === 'current' ? now + 10 * second : 'old'
      }
      hold(world, target, session, done.value.token, done.value.session.elevatedUntil ?? 0)
      expect(await isLive(world, session), 'nothing but a live session is renewed').toBe(true)
    },
  update:
    (node: number, at: number): Step =>
    async (world) => {
      const session = pick(world.sessions, at)
      if (session === undefined) return
      const { engine } = nodeAt(world, node).started
      const add = (held: { readonly updates?: unknown }) => ({ ...held, updates: Number(held.updates ?? 0) + 1 })
      const done = await attempt(() => engine.update(session.id, add))
      if (done === undefined) await learn(world, session)
      else if (done.value !== undefined) session.updates += 1
    },
  revokeOne:
    (node: number, at: number): Step =>
    async (world) => {
      const session = pick(world.sessions, at)
      if (session === undefined) return
      await revokeThese(world, nodeAt(world, node), [session], ({ engine }) =>
        engine.revoke({ session: session.id }, { reason: 'logout' }),
      )
    },
  revokeSubject:
    (node: number, subject: string, exceptAt: number | undefined): Step =>
    async (world) => {
      const except = exceptAt === undefined ? undefined : pick(world.sessions, exceptAt)?.id
      const at = world.clock.now()
      const meant = issuedByNow(world, subject, except)
      const failed = await revokeThese(world, nodeAt(world, node), meant, ({ engine }) => engine.revoke({ subject, except }))
      if (failed) failedToEnd(world, subject, at)
      // Recorded at once it ends them all, also those that a clock gone back calls younger.
      else await learnAll(world, subject, except)
    },
  revokeAll:
    (node: number): Step =>
    async (world) => {
      const at = world.clock.now()
      const failed = await revokeThese(world, nodeAt(world, node), issuedByNow(world, null), ({ engine }) => engine.revokeAll())
      if (!failed) return learnAll(world, null)
      failedToEnd(world, null, at)
      world.everyoneOutWaits = true
    },
  present:
    (node: number, at: number, how: keyof typeof forgeries): Step =>
    async (world) => {
      const token = pick(world.tokens, at)
      if (token === undefined) return
      const { engine } = nodeAt(world, node).started
      const forged = forgeries[how](token)
      if (forged === token.text) return
      expect(outcomeOf(await engine.verify(forged)), 'a forgery is refused').toBe('invalid')
    },
  otherClient:
    (node: number, at: number): Step =>
    async (world) => {
      const token = pick(world.tokens, at)
      if (token === undefined || token.session.subject === null) return
      const target = nodeAt(world, node)
      const { status } = await target.started.engine.verify(token.text, { userAgent: 'curl/8' })
      if (canCompare(target, token)) expect(status, 'another client is refused').not.toBe('live')
    },
  outage:
    (node: number, at: number): Step =>
    async (world) => {
      const token = pick(world.tokens, at)
      if (token === undefined) return
      const target = nodeAt(world, node)
      target.failing.failing = allMethods
      const verdict = await target.started.engine.verify(token.text, undefined, { fresh: true })
      target.failing.failing = new Set()
      expect(outcomeOf(verdict), 'I7').toMatch(/^(store-unavailable|invalid)$/)
    },
  sweep:
    (node: number): Step =>
    async (world) => {
      await attempt(() => nodeAt(world, node).started.engine.sweep())
    },
  pass:
    (ms: number): Step =>
    async (world) => {
      world.clock.advance(ms)
      await settle()
    },
  jump:
    (ms: number): Step =>
    async (world) => {
      world.clock.jumpTo(world.clock.now() + ms)
    },
  fault:
    (node: number, n: number, when: When, many: number): Step =>
    async (world) => {
      nodeAt(world, node).failing.failAt(n, when, many)
    },
  feed:
    (node: number, trust: boolean): Step =>
    async (world) => {
      nodeAt(world, node).feed.trust = trust
    },
  restart:
    (node: number, ring: number): Step =>
    async (world) => {
      const target = nodeAt(world, node)
      await target.started.engine.close()
      target.keys = must(keyRings[ring])
      world.restarts += 1
      const { events, faults } = target.started
      target.started = startEngine(target.failing, world.clock, target.keys, 1000 + world.restarts)
      target.started.events.unshift(...events)
      target.started.faults.unshift(...faults)
      // What it could not record it says at the end, and then nobody remembers it.
      for (const session of world.sessions) if (session.killedOn.delete(target)) session.doubtful = true
    },
} as const
