/** Notices to users: which security events the owner of an account should hear of, and a hook that tells them (ASVS 6.3.5, 6.3.7). */
import { type Clock, systemClock } from '../engine/clock.ts'
import type { Duration } from '../engine/duration.ts'
import { ConfigurationError } from '../engine/errors.ts'
import type { EventListener, FaultLogger, SecurityEvent } from '../engine/events.ts'
import { unfailing } from '../engine/hook.ts'
import { checkHooks } from '../engine/option-checks.ts'
import { checkOptionsObject, day, minute, type Report, readDuration, unknownNames } from '../engine/option-readers.ts'
import type { EventKind } from '../shared/event-kinds.ts'
import { keepNewest } from '../shared/keep-newest.ts'
import type { Instant, SessionId } from '../store/store.ts'

export type NoticeKind =
  | 'new-device'
  | 'password-changed'
  | 'account-locked'
  | 'token-reuse'
  | 'other-client'
  | 'several-networks'
  | 'session-evicted'
  | 'api-key-created'

/** Each notice with the event that it is about. */
export const noticeEvents: Readonly<Record<NoticeKind, EventKind>> = {
  'new-device': 'authn_login_new_device',
  'password-changed': 'authn_password_change',
  'account-locked': 'authn_login_lock',
  'token-reuse': 'authn_token_reuse',
  'other-client': 'session_binding_mismatch',
  'several-networks': 'session_several_networks',
  'session-evicted': 'session_evicted',
  'api-key-created': 'api_key_created',
}

export interface Notice {
  readonly kind: NoticeKind
  /** Whom to tell. */
  readonly subject: string
  readonly at: Instant
  readonly event: EventKind
  readonly session: SessionId | null
  readonly ip: string | null
  readonly reason: string | null
}

export interface NoticeOptions {
  /** Tells the subject, for instance by mail. Not waited for and not repeated; what it throws goes to `onFault`. */
  readonly send: (notice: Notice) => unknown
  /** Default: all of them. */
  readonly kinds?: readonly NoticeKind[]
  /** The same notice goes to the same subject once in this time. Default 10 min; at most 1 day. */
  readonly quiet?: Duration
  readonly clock?: Clock
  readonly onFault?: FaultLogger
}

const everyKind = Object.keys(noticeEvents) as readonly NoticeKind[]
const mostUnderWay = 100
const mostRemembered = 10_000

const optionNames: readonly (keyof NoticeOptions)[] = ['send', 'kinds', 'quiet', 'clock', 'onFault']

function checked(options: NoticeOptions): { readonly kinds: readonly NoticeKind[]; readonly quiet: number } {
  checkOptionsObject(options)
  const { send, kinds = everyKind } = options
  const found = unknownNames(options, optionNames, '')
  const report: Report = (problem) => found.push(problem)
  checkHooks(options, report)
  if (typeof send !== 'function') found.push({ field: 'send', message: 'must be a function' })
  if (!Array.isArray(kinds) || !kinds.every((kind) => everyKind.includes(kind))) {
    found.push({ field: 'kinds', message: `must be a list of ${everyKind.join(', ')}` })
  }
  const quiet = readDuration(options.quiet, 'quiet', { default: 10 * minute, min: 0, max: day }, report)
  if (found.length > 0) throw new ConfigurationError(found)
  return { kinds, quiet }
}

function noticeOf(kind: NoticeKind, subject: string, { at, kind: event, session, ip, reason }: SecurityEvent): Notice {
  return { kind, subject, at, event, session, ip, reason }
}

/** A listener for `holdfast.on`. Throws `ConfigurationError` listing every wrong option. */
export function createNotices(options: NoticeOptions): EventListener {
  const { kinds, quiet } = checked(options)
  const { send, clock = systemClock } = options
  const onFault = unfailing(options.onFault ?? (() => undefined))
  const wanted = new Map<EventKind, NoticeKind>(kinds.map((kind) => [noticeEvents[kind], kind]))
  /** When each subject was told last, by notice; the oldest go first. */
  const told = new Map<string, Instant>()
  let underWay = 0

  function isQuiet(key: string, now: Instant): boolean {
    const last = told.get(key)
    if (last !== undefined && now - last < quiet) return true
    told.delete(key)
    told.set(key, now)
    keepNewest(told, mostRemembered)
    return false
  }

  async function tell(notice: Notice): Promise<void> {
    underWay += 1
    try {
      await send(notice)
    } catch (fault) {
      onFault(fault, `telling a user of ${notice.event}`)
    } finally {
      underWay -= 1
    }
  }

  return (event) => {
    const kind = wanted.get(event.kind)
    // A name that no account has is nobody to tell.
    if (kind === undefined || event.subject === null) return
    if (underWay >= mostUnderWay) {
      onFault(new Error('too many notices are under way'), `telling a user of ${event.kind}`)
      return
    }
    if (!isQuiet(`${kind} ${event.subject}`, clock.now())) void tell(noticeOf(kind, event.subject, event))
  }
}
