/** What to do when a session is presented by a client that does not look like its own. */
import type { SessionRecord } from '../store/store.ts'
import type { Core } from './core.ts'
import { matchesFingerprint } from './fingerprint.ts'
import { keptAddress, networkOf } from './network.ts'
import type { ChangePolicy } from './policies.ts'
import type { RequestContext } from './session.ts'

export type BindingOutcome = 'pass' | 'step-up' | 'deny' | 'revoke'

export interface BindingCheck {
  readonly outcome: BindingOutcome
  /** Whether the client came from another network than last recorded. */
  readonly moved: boolean
}

interface Finding {
  readonly kind: 'session_binding_mismatch' | 'session_ip_changed'
  readonly policy: ChangePolicy
  /** A stricter one that is only tried. */
  readonly shadow: ChangePolicy | null
}

const outcomes: Readonly<Record<ChangePolicy, BindingOutcome>> = {
  off: 'pass',
  log: 'pass',
  'step-up': 'step-up',
  deny: 'deny',
  revoke: 'revoke',
}

/** The policy by its option. */
const reasons = { session_binding_mismatch: 'fingerprint', session_ip_changed: 'ip-change' } as const satisfies Record<
  Finding['kind'],
  string
>

const severity: readonly BindingOutcome[] = ['pass', 'step-up', 'deny', 'revoke']

function findingsOf(core: Core, record: SessionRecord, context: RequestContext): Finding[] {
  const { fingerprint, ipChange, shadow } = core.settings
  const findings: Finding[] = []
  const bound = record.binding.fingerprint
  const isCompared = fingerprint !== 'off' || shadow.fingerprint !== null
  // The session's own copy of the same text has its hash at hand: digests are found by it.
  const userAgent = context.userAgent === record.userAgent ? record.userAgent : context.userAgent
  if (isCompared && bound !== null && !matchesFingerprint(core.keyring, bound, userAgent)) {
    findings.push({ kind: 'session_binding_mismatch', policy: fingerprint, shadow: shadow.fingerprint })
  }
  // The everyday case first: the address as last recorded.
  const ip = context.ip === record.lastIp ? null : keptAddress(context.ip)
  const moved = ip !== null && record.lastIp !== null && ip !== record.lastIp && networkOf(ip) !== networkOf(record.lastIp)
  if (moved && (ipChange !== 'off' || shadow.ipChange !== null)) {
    findings.push({ kind: 'session_ip_changed', policy: ipChange, shadow: shadow.ipChange })
  }
  return findings
}

/** What there is to say of a client that looks like the session's own, or of a check without one. */
export const unremarkable: BindingCheck = { outcome: 'pass', moved: false }

function tell(core: Core, record: SessionRecord, { ip }: RequestContext, { kind, policy, shadow }: Finding): void {
  const about = { session: record.id, subject: record.subject, ip: ip ?? null }
  if (policy !== 'off') core.events.emit({ kind, ...about, outcome: policy })
  if (shadow !== null) core.events.emit({ kind: 'session_policy_shadow', ...about, reason: reasons[kind], outcome: shadow })
  if (kind !== 'session_ip_changed' || policy === 'off' || !ip || record.lastIp === null) return
  const isBackAndForth = core.moves.note(record.id, record.lastIp, ip, core.settings.clock.now())
  if (isBackAndForth) core.events.emit({ kind: 'session_several_networks', ...about })
}

/** The strictest outcome that the policies ask for; each finding raises its event. */
export function checkBinding(core: Core, record: SessionRecord, context: RequestContext): BindingCheck {
  const findings = findingsOf(core, record, context)
  if (findings.length === 0) return unremarkable
  let strictest: BindingOutcome = 'pass'
  let moved = false
  for (const finding of findings) {
    const { kind, policy } = finding
    const outcome = outcomes[policy]
    moved ||= kind === 'session_ip_changed' && policy !== 'off'
    tell(core, record, context, finding)
    if (severity.indexOf(outcome) > severity.indexOf(strictest)) strictest = outcome
  }
  return { outcome: strictest, moved }
}
