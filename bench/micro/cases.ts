/** The cases: Holdfast's check by where the record comes from, and what peers do at the same place. */
import { hash, randomBytes } from 'node:crypto'
import type { Holdfast, HoldfastOptions, Verdict } from 'holdfast'
import { memoryStore } from 'holdfast/store/memory'
import { sqliteStore } from 'holdfast/store/sqlite'
import type { AllowedAttempt, Attempt } from '../../packages/holdfast/src/defence/lockout.ts'
import { addressOf, subjectOf, userAgentOf } from '../shared/clients.ts'
import { forgetfulHoldfast, freshHoldfast, signIn } from '../shared/holdfast.ts'
import { type FastJwtVerified, fastJwtTokens, type JoseVerified, joseTokens } from '../shared/jwt.ts'
import { peer } from '../shared/peer.ts'
import type { Case, Presented } from './rounds.ts'
import { jwtCases, refreshCase } from './token-cases.ts'

export interface Population {
  /** Sessions in each store. */
  readonly sessions: number
  /** Of those, presented in rotation. */
  readonly inRotation: number
}

function presentedBy(at: number, token: string): Presented {
  return { token, context: { ip: addressOf(at), userAgent: userAgentOf(at) } }
}

/** Fills a store; the sessions in rotation are spread over it. */
async function populate(holdfast: Holdfast, { sessions, inRotation }: Population): Promise<Presented[]> {
  const every = Math.floor(sessions / inRotation)
  const presented: Presented[] = []
  for (let at = 0; at < sessions; at += 1) {
    const token = await signIn(holdfast, at)
    if (at % every === 0 && presented.length < inRotation) presented.push(presentedBy(at, token))
  }
  return presented
}

/** What the machine does with the same small work at every run: one SHA-256 of 43 characters. */
function yardstickCase(presented: readonly Presented[]): Case {
  return {
    name: 'yardstick',
    presented,
    check: ({ token }) => hash('sha256', token.slice(0, yardstickLength), 'base64url'),
    accepts: (answer) => typeof answer === 'string',
  }
}

async function issueEach(inRotation: number, issue: (at: number) => string | Promise<string>): Promise<Presented[]> {
  return Promise.all(Array.from({ length: inRotation }, async (_, at) => presentedBy(at, await issue(at))))
}

/** Characters hashed by the yardstick. */
const yardstickLength = 43

const isLive = (answer: unknown): boolean => (answer as Verdict).status === 'live'

async function holdfastCases(population: Population, sqlite: HoldfastOptions['store']): Promise<Case[]> {
  const [memory, secret] = [memoryStore(), randomBytes(32).toString('hex')]
  const inMemory = freshHoldfast(memory, secret)
  const unseen = forgetfulHoldfast(memory, secret)
  const inSqlite = freshHoldfast(sqlite)
  const ofMemory = await populate(inMemory, population)
  const ofSqlite = await populate(inSqlite, population)
  const anew = { fresh: true } as const
  return [
    yardstickCase(ofMemory),
    { name: 'cached', presented: ofMemory, check: (p) => inMemory.verify(p.token, p.context), accepts: isLive },
    { name: 'memory', presented: ofMemory, check: (p) => inMemory.verify(p.token, p.context, anew), accepts: isLive },
    { name: 'unseen', presented: ofMemory, check: (p) => unseen.verify(p.token, p.context), accepts: isLive },
    { name: 'sqlite', presented: ofSqlite, check: (p) => inSqlite.verify(p.token, p.context, anew), accepts: isLive },
  ]
}

/**
 * What stands before the password is looked at: may this attempt go on, and it is counted. Beside it a whole right sign-in, hashing
 * left out: the same, and afterwards the count is given back and the device gets its proof.
 */
async function lockoutCases(inRotation: number): Promise<Case[]> {
  const presented = await issueEach(inRotation, subjectOf)
  const [counting, forgiving] = [freshHoldfast().http.lockout, freshHoldfast().http.lockout]
  const attemptOf = ({ token: subject, context: { ip } }: Presented) => ({ name: subject, subject, ip })
  return [
    {
      name: 'lockout',
      presented,
      check: (each) => counting.attempt(attemptOf(each)),
      accepts: (answer) => (answer as Attempt).allowed,
      undo: (answer) => (answer as AllowedAttempt).succeeded(),
    },
    {
      name: 'lockout-forgiven',
      presented,
      check: async (each) => {
        const attempt = await forgiving.attempt(attemptOf(each))
        return attempt.allowed && attempt.succeeded()
      },
      accepts: (answer) => typeof answer === 'string',
    },
  ]
}

async function joseCase(inRotation: number): Promise<Case> {
  const { sign, verify } = await joseTokens()
  return {
    name: 'jose',
    presented: await issueEach(inRotation, (at) => sign(subjectOf(at))),
    check: ({ token }) => verify(token),
    accepts: (answer) => (answer as JoseVerified).payload.sub !== undefined,
  }
}

interface IronSession {
  readonly sealData: (data: object, options: object) => Promise<string>
  readonly unsealData: (seal: string, options: object) => Promise<{ readonly subject?: string }>
}

async function ironSessionCase(inRotation: number): Promise<Case> {
  const { sealData, unsealData } = await peer<IronSession>('iron-session')
  const options = { password: randomBytes(32).toString('hex'), ttl: 12 * 3600 }
  return {
    name: 'iron-session',
    presented: await issueEach(inRotation, (at) => sealData({ subject: subjectOf(at), role: 'member' }, options)),
    check: ({ token }) => unsealData(token, options),
    accepts: (answer) => (answer as { readonly subject?: string }).subject !== undefined,
  }
}

async function fastJwtCase(inRotation: number): Promise<Case> {
  const { sign, verify } = await fastJwtTokens()
  return {
    name: 'fast-jwt',
    presented: await issueEach(inRotation, (at) => sign(subjectOf(at))),
    check: ({ token }) => verify(token),
    accepts: (answer) => (answer as FastJwtVerified).sub !== undefined,
  }
}

export async function allCases(population: Population, folder: string): Promise<Case[]> {
  const { inRotation } = population
  return [
    ...(await holdfastCases(population, sqliteStore(`${folder}/sessions.db`))),
    ...(await lockoutCases(inRotation)),
    await fastJwtCase(inRotation),
    await joseCase(inRotation),
    await ironSessionCase(inRotation),
    await refreshCase(inRotation),
    ...(await jwtCases(inRotation)),
  ]
}
