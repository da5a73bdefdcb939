/**
 * API keys: long-lived credentials of programs, made for an owner, shown once, kept as a digest.
 *
 * Nothing is remembered between two checks: a key that was revoked, by whatever node, is dead at its next use. A key is
 * sent in a header, which no page can make a browser send, so that requests with one need no CSRF token.
 *
 * @example
 * const apiKeys = createApiKeys({ store: store.apiKeys, secret: process.env.HOLDFAST_SECRET })
 * const { key, token } = await apiKeys.create({ owner: 'alice', name: 'backup', scopes: ['read'] })
 * const verdict = await apiKeys.check(token, { ip })
 */
import { equalText, RandomPool } from '../engine/crypto.ts'
import { HoldfastError, invalidField, retryAfterSeconds } from '../engine/errors.ts'
import { type EventInput, type EventListener, Events } from '../engine/events.ts'
import { Guard, wasRefused } from '../engine/guard.ts'
import { anything, checkFilter, checkInput, checkWhole, type Rules, type RulesFor, text } from '../engine/inputs.ts'
import { keptAddress } from '../engine/network.ts'
import type { UnknownCode } from '../shared/codes.ts'
import type { ApiKeyPage, ApiKeyQuery, ApiKeyRecord } from '../store/api-keys.ts'
import type { Awaitable, Instant } from '../store/store.ts'
import { type ApiKeyInput, apiKeyRules, checkedInput } from './api-key-input.ts'
import { type ApiKeyOptions, parseApiKeyOptions } from './api-key-options.ts'
import {
  apiKeyPrefix,
  createApiKeyTokens,
  importedKeyOf,
  importedKeyPrefix,
  importedKeyProblem,
  type ParsedKey,
} from './api-key-token.ts'
import { isInNetworks } from './networks.ts'

export type { ApiKeyInput } from './api-key-input.ts'
export type { ApiKeyOptions } from './api-key-options.ts'

/** A key as it may be shown: without its digest. */
export type ApiKey = Omit<ApiKeyRecord, 'digest'>

/** One for each way in which a connection fails: five, with `expired`, `revoked` and `owner-ended` as one. */
export type ApiKeyFailure = 'missing' | 'malformed' | 'unknown' | 'expired' | 'revoked' | 'owner-ended' | 'source-not-allowed'

/** Of a credential that nobody here made: what alone counts against the budget of failed tokens. */
export function isForgedKey(reason: ApiKeyFailure): boolean {
  return reason === 'malformed' || reason === 'unknown'
}

export type ApiKeyVerdict =
  | { readonly status: 'live'; readonly key: ApiKey }
  | { readonly status: 'dead'; readonly reason: ApiKeyFailure }
  | { readonly status: 'unknown'; readonly code: UnknownCode; readonly retryAfter: number }

export interface ApiKeys {
  /**
   * Makes a key; `token` is shown now and never again. Throws `invalid-request`, `conflict` (too many), `store-unavailable`:
   * then the key may have been made all the same, the event says so by its outcome, and it is ended again as far as the store allows.
   */
  create(input: ApiKeyInput): Promise<{ readonly key: ApiKey; readonly token: string }>
  /** Takes on a key that was made elsewhere, of 32 to 512 characters that cannot be guessed. Throws as `create`, and `conflict` when it is known. */
  import(input: ApiKeyInput & { readonly token: string }): Promise<ApiKey>
  /** Never throws: what cannot be told is `unknown`. `token`: what the client presented; `undefined` when nothing. */
  check(token: string | undefined, context: { readonly ip?: string | undefined }): Promise<ApiKeyVerdict>
  /** A key by its id, expired and revoked ones too until they are swept. Throws `store-unavailable`. */
  get(id: string): Promise<ApiKey | undefined>
  /**
   * Which secret signed the key of this id, and ends it when it is taken off the list: its place there, from 0; -1 for none that is
   * listed. `undefined` for an imported key, which no secret signed.
   */
  signerOf(id: string): number | undefined
  /** Newest first. Throws `store-unavailable`. */
  list(query: ApiKeyQuery): Promise<Omit<ApiKeyPage, 'items'> & { readonly items: readonly ApiKey[] }>
  /**
   * Ends a key, of this owner when one is named. Returns whether this call did. Throws `store-unavailable`: then it may have
   * ended all the same, and the event says so by its outcome.
   */
  revoke(id: string, options?: { readonly owner?: string }): Promise<boolean>
  /** Ends every key of an owner; returns the ids that this call ended. Throws as `revoke`, and tells of it in one event. */
  revokeOwner(owner: string): Promise<readonly string[]>
  /** Deletes up to `limit` keys that ended at or before `endedBefore`; returns how many. Throws `invalid-request` for what is no time. */
  sweep(endedBefore: Instant, limit: number): Promise<number>
  on(listener: EventListener): () => void
}

const readDeadline = 500
const writeDeadline = 2000
const breaker = { faults: 10, pause: 500 } as const
const maxInFlight = 2000
/** The last use is recorded at most so often. */
const touchEvery = 60_000
const mostTouched = 10_000
/** As stores bound it, in characters that make no trouble there. */
const idSpelling = /^[\w-]{1,128}$/
const isId = (id: unknown): boolean => typeof id === 'string' && idSpelling.test(id)

const eventOf = {
  missing: 'api_key_missing',
  malformed: 'api_key_malformed',
  unknown: 'api_key_unknown',
  expired: 'api_key_use_after_end',
  revoked: 'api_key_use_after_end',
  'owner-ended': 'api_key_use_after_end',
  'source-not-allowed': 'api_key_source_refused',
} as const

const queryRules: RulesFor<ApiKeyQuery> = { owner: text, after: anything, limit: anything }
const revokeRules = { owner: text }

/** Whoever filters by an owner and has none must not be shown, or end, what is somebody else's. */
function checkOwned(input: object, rules: Rules): void {
  checkInput(input, 'input', rules)
  checkFilter(input, 'owner')
}

function shown({ digest: _, ...key }: ApiKeyRecord): ApiKey {
  return key
}

/** Throws `ConfigurationError` listing every wrong option. */
export function createApiKeys(options: ApiKeyOptions): ApiKeys {
  const { store, secrets, keysPerOwner, acceptImported, isOwnerActive, clock, random, onFault } = parseApiKeyOptions(options)
  const tokens = createApiKeyTokens(secrets, new RandomPool(random))
  const guard = new Guard({ clock, random, breaker, maxInFlight })
  const events = new Events(() => clock.now(), onFault)
  const touched = new Map<string, Instant>()
  const write = async <T>(run: () => Awaitable<T>): Promise<T> => guard.writes.run(writeDeadline, run)

  /** Ends keys. Whose answer is lost may have ended them, and a repetition finds none left to tell of: the fault is told. */
  async function ending<T>(event: Pick<EventInput, 'subject' | 'object'>, run: () => Awaitable<T>): Promise<T> {
    try {
      return await write(run)
    } catch (fault) {
      if (!wasRefused(fault)) events.emit({ kind: 'api_key_revoked', ...event, outcome: 'store-unavailable' })
      throw fault
    }
  }

  /** One whose answer is lost may be there all the same: that is told, and a key whose token nobody was handed is ended again. */
  async function inserted(record: ApiKeyRecord, tokenIs: 'lost' | 'known'): Promise<boolean> {
    const about = { subject: record.owner, object: record.id }
    try {
      return await write(() => store.insert(record, { max: keysPerOwner, now: record.createdAt }))
    } catch (fault) {
      if (wasRefused(fault)) throw fault
      events.emit({ kind: 'api_key_created', ...about, outcome: 'store-unavailable' })
      // Not waited for: a caller of a failing store waits for one deadline, not two.
      if (tokenIs === 'lost') {
        end(about).catch((again: unknown) => onFault(again, 'ending an API key that was not handed out'))
      }
      throw fault
    }
  }

  async function end(about: { readonly subject: string; readonly object: string }): Promise<boolean> {
    const isEnded = await ending(about, () => store.revoke(about.object, clock.now()))
    if (isEnded) events.emit({ kind: 'api_key_revoked', ...about })
    return isEnded
  }

  async function add(
    input: ApiKeyInput,
    { id, digest }: { readonly id: string; readonly digest: string },
    tokenIs: 'lost' | 'known',
  ): Promise<ApiKey> {
    const now = clock.now()
    const rest = { createdAt: now, lastUsedAt: null, lastUsedIp: null, revokedAt: null }
    const record: ApiKeyRecord = { id, digest, ...checkedInput(input, now), ...rest }
    if (!(await inserted(record, tokenIs))) {
      throw new HoldfastError('conflict', { detail: `there are ${keysPerOwner} keys already: revoke one first` })
    }
    events.emit({ kind: 'api_key_created', subject: record.owner, object: record.id })
    return shown(record)
  }

  function identified(token: unknown): ParsedKey {
    if (typeof token !== 'string') return 'malformed'
    if (token.startsWith(apiKeyPrefix) || !acceptImported) return tokens.parse(token)
    return importedKeyProblem(token) === undefined ? importedKeyOf(token) : 'malformed'
  }

  async function judged(token: string | undefined, ip: string | undefined): Promise<ApiKeyRecord | Failed> {
    if (token === undefined) return { reason: 'missing' }
    const parsed = identified(token)
    if (typeof parsed === 'string') return { reason: parsed }
    const record = await guard.reads.run(readDeadline, () => store.get(parsed.id))
    if (record === undefined || !equalText(record.digest, parsed.digest)) return { reason: 'unknown' }
    const { owner, id } = record
    const ended = endOf(record, clock.now())
    if (ended !== undefined) return { reason: ended, owner, id }
    if (!(await guard.reads.run(readDeadline, () => isOwnerActive(owner)))) return { reason: 'owner-ended', owner, id }
    const isAllowed = record.networks.length === 0 || isInNetworks(ip, record.networks)
    return isAllowed ? record : { reason: 'source-not-allowed', owner, id }
  }

  /** Not waited for: a key whose use could not be recorded is good all the same. */
  function touch(record: ApiKeyRecord, ip: string | undefined): void {
    const now = clock.now()
    const before = Math.max(record.lastUsedAt ?? 0, touched.get(record.id) ?? 0)
    if (before > 0 && now - before < touchEvery) return
    if (touched.size >= mostTouched) touched.clear()
    touched.set(record.id, now)
    write(() => store.touch(record.id, now, keptAddress(ip))).catch((fault: unknown) => {
      touched.delete(record.id)
      onFault(fault, 'recording the use of an API key')
    })
  }

  return {
    async create(input) {
      checkInput(input, 'input', apiKeyRules)
      const { token, ...minted } = tokens.mint()
      return { key: await add(input, minted, 'lost'), token }
    },

    async import(given) {
      checkInput(given, 'input', { ...apiKeyRules, token: anything })
      const { token, ...input } = given
      const problem = importedKeyProblem(token)
      if (problem !== undefined) throw invalidField('token', problem)
      const imported = importedKeyOf(token)
      const known = await write(() => store.get(imported.id))
      if (known !== undefined) throw new HoldfastError('conflict', { detail: 'the key is known already' })
      return add(input, imported, 'known')
    },

    async check(token, context) {
      try {
        const ip = context?.ip
        const found = await judged(token, ip)
        if ('reason' in found) {
          const { reason, owner = null, id = null } = found
          events.emit({ kind: eventOf[reason], subject: owner, object: id, ip: keptAddress(ip), outcome: reason })
          return { status: 'dead', reason }
        }
        touch(found, ip)
        return { status: 'live', key: shown(found) }
      } catch (fault) {
        const code = fault instanceof HoldfastError && fault.code === 'crypto-unavailable' ? fault.code : 'store-unavailable'
        return { status: 'unknown', code, retryAfter: retryAfterSeconds[code] }
      }
    },

    async get(id) {
      if (!isId(id)) return undefined
      const record = await guard.reads.run(readDeadline, () => store.get(id))
      return record && shown(record)
    },

    signerOf: (id) => (id.startsWith(importedKeyPrefix) ? undefined : tokens.signerOf(id)),

    async list(query) {
      checkOwned(query, queryRules)
      const { items, ...rest } = await write(() => store.list(query))
      return { items: items.map(shown), ...rest }
    },

    async revoke(id, options = {}) {
      checkOwned(options, revokeRules)
      const { owner } = options
      if (!isId(id)) return false
      const record = await write(() => store.get(id))
      if (record === undefined || (owner !== undefined && record.owner !== owner)) return false
      return end({ subject: record.owner, object: id })
    },

    async revokeOwner(owner) {
      if (typeof owner !== 'string') throw invalidField('owner', 'must be text')
      const ids = await ending({ subject: owner }, () => store.revokeOwner(owner, clock.now()))
      for (const id of ids) events.emit({ kind: 'api_key_revoked', subject: owner, object: id })
      return ids
    },

    async sweep(endedBefore, limit) {
      checkWhole('endedBefore', endedBefore, 'must be a time')
      checkWhole('limit', limit, 'must be a whole number')
      return write(() => store.sweep(endedBefore, limit))
    },
    on: (listener) => events.on(listener),
  }
}

function endOf({ revokedAt, expiresAt }: ApiKeyRecord, now: Instant): 'revoked' | 'expired' | undefined {
  if (revokedAt !== null) return 'revoked'
  return expiresAt !== null && expiresAt <= now ? 'expired' : undefined
}

interface Failed {
  readonly reason: ApiKeyFailure
  /** Known once the key is. */
  readonly owner?: string
  readonly id?: string
}
